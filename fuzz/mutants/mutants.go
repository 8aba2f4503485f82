package mutants

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"path"
	"strings"

	"paxoscommit/checker"
	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/core/replicated"
	"paxoscommit/core/threephase"
	"paxoscommit/core/twophase"
)

// ErrMutant marks every error of this package: a diff that is malformed or no longer applies, or a
// bug that does not exist.
var ErrMutant = errors.New("mutants")

//go:embed *.diff
var diffs embed.FS

// Mutant is one planted bug, or a control.
type Mutant struct {
	ID       string
	Title    string // what is wrong, in a line
	Control  bool   // nothing is broken: it must stay silent
	CaughtBy []checker.Property
	File     string   // that it is in, or the first of them: core/bank/bank.go
	Protocol string   // which to run
	With     []string // more flags of fuzz
	Explore  []string // flags of explore: a small world in which it can be seen
	diff     []byte
}

// List returns all planted bugs, by ID.
func List() ([]Mutant, error) {
	files, err := diffs.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMutant, err)
	}
	var list []Mutant
	for _, f := range files {
		text, err := diffs.ReadFile(f.Name())
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMutant, err)
		}
		m, err := parse(strings.TrimSuffix(f.Name(), ".diff"), text)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// Find returns the planted bug of an ID such as A03.
func Find(id string) (Mutant, error) {
	list, err := List()
	if err != nil {
		return Mutant{}, err
	}
	var ids []string
	for _, m := range list {
		if m.ID == id {
			return m, nil
		}
		ids = append(ids, m.ID)
	}
	return Mutant{}, fmt.Errorf("%w: no planted bug is called %q; there are %s", ErrMutant, id,
		strings.Join(ids, " "))
}

// IsIn tells whether a protocol of this module runs what the bug is in: its own machines, or the
// database, which is behind each resource manager.
func (m *Mutant) IsIn(p core.Protocol) bool {
	machines := ""
	switch p.(type) {
	case paxoscommit.Protocol:
		machines = "core/paxoscommit"
	case replicated.Protocol:
		machines = "core/replicated"
	case twophase.Protocol, threephase.Protocol:
		machines = "core/internal/coordinator"
	}
	folder := path.Dir(m.File)
	return folder == machines || folder == "core/bank"
}

// parse reads the header of a diff.
func parse(id string, text []byte) (Mutant, error) {
	m := Mutant{ID: id}
	bad := func(line int, why string) error {
		return fmt.Errorf("%w: %s.diff:%d: %s", ErrMutant, id, line, why)
	}
	line := 1
	for ; bytes.HasPrefix(text, []byte("# ")); line++ {
		head, rest, _ := bytes.Cut(text[2:], []byte("\n"))
		text = rest
		key, value, _ := strings.Cut(string(head), ": ")
		switch {
		case line == 1 && key == id:
			m.Title = value
		case line == 1:
			return m, bad(line, "want # "+id+": and what is wrong")
		case key == "caught by":
			for name := range strings.SplitSeq(value, ", ") {
				p, err := checker.ParseProperty(name)
				if err != nil {
					return m, bad(line, err.Error())
				}
				m.CaughtBy = append(m.CaughtBy, p)
			}
		case key == "control":
			m.Control = true
		case key == "protocol":
			m.Protocol = value
		case key == "with":
			m.With = strings.Fields(value)
		case key == "explore":
			m.Explore = strings.Fields(value)
		default: // why it is wrong
		}
	}
	m.diff = text
	file, _, _ := bytes.Cut(bytes.TrimPrefix(text, []byte("--- a/")), []byte("\n"))
	m.File = string(file)
	m.Protocol = cmp.Or(m.Protocol, "paxos-commit")
	switch {
	case m.Title == "":
		return m, bad(1, "no header")
	case m.Control == (len(m.CaughtBy) > 0):
		return m, bad(line, "want either caught by: or control:")
	case !bytes.HasPrefix(text, []byte("--- a/")):
		return m, bad(line, "want a diff after the header")
	}
	return m, nil
}
