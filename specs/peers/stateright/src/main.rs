//! TwoPhase.tla as a model for Stateright, to compare its speed with that of checker/mc.
//!
//! `cargo run --release -- RMS` explores it breadth first on all cores and prints distinct states,
//! generated states and seconds. States are as small as those of the Go model.

use stateright::{Checker, Model, Property};
use std::time::Instant;

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Rm {
    Working,
    Prepared,
    Committed,
    Aborted,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Tm {
    Init,
    Committed,
    Aborted,
}

const MAX_RMS: usize = 10;

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct State {
    rm: [Rm; MAX_RMS], // those beyond the model's number stay working
    tm: Tm,
    tm_prepared: u16,
    prepared: u16, // senders of "Prepared"
    commit: bool,
    abort: bool,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Action {
    TmCommit,
    TmAbort,
    TmRcvPrepared(usize),
    RmPrepare(usize),
    RmChooseToAbort(usize),
    RmRcvCommitMsg(usize),
    RmRcvAbortMsg(usize),
}

struct TwoPhase {
    rms: usize,
}

impl Model for TwoPhase {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            rm: [Rm::Working; MAX_RMS],
            tm: Tm::Init,
            tm_prepared: 0,
            prepared: 0,
            commit: false,
            abort: false,
        }]
    }

    fn actions(&self, s: &State, actions: &mut Vec<Action>) {
        if s.tm == Tm::Init {
            if s.tm_prepared == (1 << self.rms) - 1 {
                actions.push(Action::TmCommit);
            }
            actions.push(Action::TmAbort);
        }
        for rm in 0..self.rms {
            if s.tm == Tm::Init && s.prepared >> rm & 1 == 1 {
                actions.push(Action::TmRcvPrepared(rm));
            }
            if s.rm[rm] == Rm::Working {
                actions.push(Action::RmPrepare(rm));
                actions.push(Action::RmChooseToAbort(rm));
            }
            if s.commit {
                actions.push(Action::RmRcvCommitMsg(rm));
            }
            if s.abort {
                actions.push(Action::RmRcvAbortMsg(rm));
            }
        }
    }

    fn next_state(&self, s: &State, a: Action) -> Option<State> {
        let mut t = s.clone();
        match a {
            Action::TmCommit => {
                t.tm = Tm::Committed;
                t.commit = true;
            }
            Action::TmAbort => {
                t.tm = Tm::Aborted;
                t.abort = true;
            }
            Action::TmRcvPrepared(rm) => t.tm_prepared |= 1 << rm,
            Action::RmPrepare(rm) => {
                t.rm[rm] = Rm::Prepared;
                t.prepared |= 1 << rm;
            }
            Action::RmRcvCommitMsg(rm) => t.rm[rm] = Rm::Committed,
            Action::RmChooseToAbort(rm) | Action::RmRcvAbortMsg(rm) => t.rm[rm] = Rm::Aborted,
        }
        Some(t)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("TCConsistent", |_, s: &State| {
                !(s.rm.contains(&Rm::Committed) && s.rm.contains(&Rm::Aborted))
            }),
            Property::sometimes("all committed", |m: &TwoPhase, s: &State| {
                s.rm[..m.rms].iter().all(|rm| *rm == Rm::Committed)
            }),
            Property::sometimes("all aborted", |m: &TwoPhase, s: &State| {
                s.rm[..m.rms].iter().all(|rm| *rm == Rm::Aborted)
            }),
        ]
    }
}

fn main() {
    let rms = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(8);
    if !(1..=MAX_RMS).contains(&rms) {
        eprintln!("stateright-peer: resource managers: not in 1..{MAX_RMS}");
        std::process::exit(2);
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let start = Instant::now();
    let checker = TwoPhase { rms }.checker().threads(threads).spawn_bfs().join();
    let seconds = start.elapsed().as_secs_f64();
    checker.assert_properties();
    println!("{} {} {seconds:.3}", checker.unique_state_count(), checker.state_count());
}
