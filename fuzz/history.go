package fuzz

import "paxoscommit/checker/history"

// History makes one run of the options again and returns what its clients saw, as events of a bank
// for history.WriteJSON. Times are steps.
func (o *Options) History(run uint64) ([]history.Event, error) {
	r := newRunner(o)
	if _, err := r.run(run, nil); err != nil {
		return nil, err
	}
	return r.judge.Events(&r.world), nil
}
