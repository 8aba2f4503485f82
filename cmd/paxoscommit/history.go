package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"paxoscommit/checker"
	"paxoscommit/checker/history"

	"github.com/spf13/cobra"
)

// defaultHistoryBudget keeps the hardest history to seconds.
const defaultHistoryBudget = 10_000_000

const historyHelp = `Judges the history of any system: is there one order of its operations,
consistent with real time, that a single correct copy could have produced
(linearizability; for transactions, strict serializability)?

FILE is JSON lines, one event a line ("-" reads standard input):

  process  integer from 0; a process runs one operation at a time
  type     "invoke"  the call of an operation, and then one of
           "ok"      it took effect, and value is its answer
           "fail"    it definitely did not take effect; it is left out
           "info"    nothing will be known of it
  f        the name of the operation
  key      which register or transaction; only for register and write-once, and optional
  value    the argument, or the answer; see the models
  time     nanoseconds since any moment, an integer

The order of the lines is the order of events: what returned on an earlier line happened
before what is invoked on a later one, also at equal times. Time must not run backwards.
Other fields are ignored. A line has at most 1 MiB, a file at most 1,048,576 events.

An operation with an info, or without an end, stays open: it may have taken effect at any
moment since its call, or never. After an info the process may not be used again, since
its operation may still run; go on with a new number.

Values are strings, integers, true or false; null is what nothing was written to yet. The
ok of an operation that answers nothing repeats its value or has none.

Model register: one register, or one for each key.
  read null, ok with the value; write v; cas [old,new], which fails if old is not held.

  {"process":0,"type":"invoke","f":"write","key":"x","value":3,"time":10}
  {"process":1,"type":"invoke","f":"read","key":"x","value":null,"time":12}
  {"process":0,"type":"ok","f":"write","key":"x","value":3,"time":20}
  {"process":1,"type":"ok","f":"read","key":"x","value":3,"time":21}
  {"process":0,"type":"invoke","f":"cas","key":"x","value":[3,4],"time":30}
  {"process":0,"type":"ok","f":"cas","key":"x","value":[3,4],"time":40}

Model write-once: the outcome of each transaction, by key; the first write stays.
  propose v, ok with the outcome, which is v unless it was settled before; decide null,
  ok with the outcome, which the system chose; read null, ok with the outcome or null.

  {"process":0,"type":"invoke","f":"propose","key":"t1","value":"committed","time":10}
  {"process":0,"type":"info","f":"propose","key":"t1","time":20}
  {"process":1,"type":"invoke","f":"decide","key":"t1","value":null,"time":30}
  {"process":1,"type":"ok","f":"decide","key":"t1","value":"aborted","time":40}
  {"process":2,"type":"invoke","f":"read","key":"t1","value":null,"time":50}
  {"process":2,"type":"ok","f":"read","key":"t1","value":"aborted","time":60}

Model bank: transfers between accounts, none of which falls below 0.
  open, only as the first line, gives opening balances (else 0); transfer
  {"from":a,"to":b,"amount":n}, which fails without funds; read of a list of accounts,
  or null for any, ok with their balances.

  {"process":0,"type":"ok","f":"open","value":{"a":100,"b":0},"time":0}
  {"process":0,"type":"invoke","f":"transfer","value":{"from":"a","to":"b","amount":30},"time":10}
  {"process":0,"type":"ok","f":"transfer","time":20}
  {"process":0,"type":"invoke","f":"transfer","value":{"from":"b","to":"a","amount":31},"time":30}
  {"process":0,"type":"fail","f":"transfer","time":40}
  {"process":1,"type":"invoke","f":"read","value":["a","b"],"time":50}
  {"process":1,"type":"ok","f":"read","value":{"a":70,"b":30},"time":60}

Model kv: transactions on keys, each a list of ["r",key,null] and ["w",key,value].
  txn, ok with the same list and its reads filled in.

  {"process":0,"type":"invoke","f":"txn","value":[["r","x",null],["w","y",3]],"time":10}
  {"process":1,"type":"invoke","f":"txn","value":[["r","y",null],["w","x",1]],"time":11}
  {"process":0,"type":"ok","f":"txn","value":[["r","x",1],["w","y",3]],"time":20}
  {"process":1,"type":"ok","f":"txn","value":[["r","y",null],["w","x",1]],"time":21}

Two exact checkers judge the history and must agree: one whose memory depends on how many
operations run at once, and porcupine, for up to 10,000 operations that share keys. Both
are bounded by --budget, in steps, never by time. The answer is Ok (exit 0), Illegal (1)
with the longest linearizable prefix and the operation that has no place after it, or
Unknown (3) when the budget ran out first. Bad usage or input is exit 2. --html writes
porcupine's picture, of at most 2,000 operations.

--json prints one object: verdict (holds, violated or unknown), model, operations, of which ok,
fail and open, steps, checked (by whom) or reason (of unknown); and of a violation prefix_length,
prefix (its end), stuck (what has no place) and state (what that met).`

// historyFlags are the flags of the sub-command.
type historyFlags struct {
	model  string
	html   string
	budget int
	json   bool
}

func newHistoryCommand() *cobra.Command {
	var flags historyFlags
	cmd := &cobra.Command{
		Use:     "history FILE",
		Short:   "Judge a history of a register, write-once register, bank or key-value store",
		Long:    historyHelp,
		Example: "  paxoscommit history --model bank --html bank.html bank.jsonl",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runHistory(args[0], flags, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&flags.model, "model", history.ModelRegister.String(),
		"register, write-once, bank or kv")
	cmd.Flags().StringVar(&flags.html, "html", "", "write a picture to this file")
	cmd.Flags().IntVar(&flags.budget, "budget", defaultHistoryBudget,
		"the most steps of each checker")
	cmd.Flags().BoolVar(&flags.json, "json", false, "print one JSON object")
	return cmd
}

func runHistory(file string, flags historyFlags, stdin io.Reader, stdout io.Writer) error {
	model, err := history.ParseModel(flags.model)
	if err != nil {
		return err
	}
	if flags.budget <= 0 {
		return fmt.Errorf("--budget must be above 0, not %d", flags.budget)
	}
	if flags.html != "" {
		if err := canWrite(flags.html); err != nil {
			return err
		}
		if sameFile(flags.html, file) {
			return errors.New("--html must not be the history itself")
		}
	}
	h, err := loadHistory(file, model, stdin)
	if err != nil {
		return err
	}
	if flags.html != "" && h.TooLongToDraw() {
		return fmt.Errorf("%s: --html draws at most %d operations", file, history.MaxDrawnOps)
	}
	result, err := h.Check(flags.budget)
	if err != nil {
		return &exitError{exitUnknown, fmt.Errorf("%s: %w", file, err)}
	}
	report := h.Report(result)
	if flags.json {
		err = writeObject(stdout, report)
	} else {
		err = report.WriteText(stdout)
	}
	if err != nil {
		return err
	}
	code := verdictError(result.Verdict)
	if flags.html == "" {
		return code
	}
	err = drawHistory(flags.html, h, flags.budget)
	switch {
	case err == nil:
		return code
	case errors.Is(err, history.ErrBudget) && result.Verdict == checker.Violated:
		return &exitError{exitViolated, err}
	case errors.Is(err, history.ErrBudget):
		return &exitError{exitUnknown, err}
	default:
		return err
	}
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// loadHistory reads a file; what is wrong with its content is said as file:line.
func loadHistory(file string, model history.Model, stdin io.Reader) (*history.History, error) {
	in, err := openInput(file, stdin)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	events, err := history.Parse(in)
	var h *history.History
	if err == nil {
		h, err = history.Load(model, events)
	}
	var wrong *history.InputError
	switch {
	case !errors.As(err, &wrong):
		return h, err
	case wrong.Line == 0:
		return nil, fmt.Errorf("%s: %s", file, wrong.Msg)
	default:
		return nil, fmt.Errorf("%s:%d: %s", file, wrong.Line, wrong.Msg)
	}
}

// drawHistory writes a file only when the picture is complete.
func drawHistory(file string, h *history.History, budget int) error {
	var picture bytes.Buffer
	if err := h.Draw(&picture, budget); err != nil {
		return err
	}
	return os.WriteFile(file, picture.Bytes(), 0o666)
}
