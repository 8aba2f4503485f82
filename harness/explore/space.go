package explore

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"paxoscommit/checker/mc"
	"paxoscommit/core"
)

// ErrSpace is a file that does not hold the states of a world.
var ErrSpace = errors.New("explore: not the states of a world")

// A mark is 128 bits of a hash that stand for a part, a message, a state or a transition. A state's
// is the sum of those of its parts and messages. It depends on content only, never on the order in
// which parts were found, so that it means the same in every process.
type mark struct{ hi, lo uint64 }

func newMark(key []byte) mark {
	sum := sha256.Sum256(key)
	return mark{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
}

func (a mark) plus(b mark) mark { return mark{a.hi + b.hi, a.lo + b.lo} }

func (a mark) compare(b mark) int {
	switch {
	case a == b:
		return 0
	case a.hi < b.hi || a.hi == b.hi && a.lo < b.lo:
		return -1
	}
	return 1
}

// A marker marks the states of a model, and remembers the marks of parts and messages by number.
type marker struct {
	m        *Model
	parts    []mark
	messages []mark
	budgets  map[[numClasses]uint8]mark
	key      []byte
}

func (k *marker) mark(s *State) mark {
	sum, ok := k.budgets[s.left]
	if !ok {
		sum = newMark(s.left[:])
		if k.budgets == nil {
			k.budgets = map[[numClasses]uint8]mark{}
		}
		k.budgets[s.left] = sum
	}
	for _, id := range s.parts[:k.m.n] {
		sum = sum.plus(k.part(id))
	}
	for id := range s.messages() {
		sum = sum.plus(k.message(id))
	}
	return sum
}

func (k *marker) part(id uint32) mark {
	for int(id) >= len(k.parts) {
		k.parts = append(k.parts, mark{})
	}
	if k.parts[id] == (mark{}) {
		p := k.m.part(id)
		k.key = p.data.AppendKey(append(k.key[:0], 'p', byte(p.data.Node())))
		k.parts[id] = newMark(k.key)
	}
	return k.parts[id]
}

func (k *marker) message(id int) mark {
	if id >= len(k.messages) {
		k.m.mu.Lock()
		all := k.m.messages
		k.m.mu.Unlock()
		for i := len(k.messages); i < len(all); i++ {
			k.key = all[i].AppendText(append(k.key[:0], 'm'))
			k.messages = append(k.messages, newMark(k.key))
		}
	}
	return k.messages[id]
}

// Space is all that can be reached in a world, without reductions, so that a run of the World has a
// place in it after every action.
type Space struct {
	Protocol    core.Protocol
	Size        Size
	Transitions uint64 // a state and something that can happen in it
	states      []mark // sorted
}

// States returns how many states there are.
func (s *Space) States() int { return len(s.states) }

// NewSpace explores the world of a size, without reductions. The space is nil unless all is visited
// and holds. Errors are those of NewConfig and Explore.
func NewSpace(p core.Protocol, z Size, o mc.Options) (*Space, *Report, error) {
	c, err := NewConfig(p, z)
	if err != nil {
		return nil, nil, err
	}
	c.Unreduced = true
	m, err := NewModel(c)
	if err != nil {
		return nil, nil, err
	}
	var mu sync.Mutex
	k, s := marker{m: m}, &Space{Protocol: p, Size: z}
	m.visit = func(state State) {
		mu.Lock()
		defer mu.Unlock()
		s.states = append(s.states, k.mark(&state))
	}
	r, err := m.explore(o)
	if err != nil || !r.Complete || r.Verdict != mc.Holds {
		return nil, r, err
	}
	slices.SortFunc(s.states, mark.compare)
	if n := len(slices.Compact(slices.Clone(s.states))); n != len(s.states) {
		return nil, nil, fmt.Errorf("%w: %d states have %d marks", ErrDisagree, len(s.states), n)
	}
	s.Transitions = r.Generated - uint64(len(m.Init()))
	return s, r, nil
}

const spaceHeader = "paxoscommit states 1"

// WriteTo writes the space: a few lines of text, the marks of all states in order, 16 bytes each,
// and the SHA-256 of all that. The error is that of w.
func (s *Space) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nprotocol %s\nworld %v\nstates %d\ntransitions %d\n", spaceHeader,
		s.Protocol.Name(), s.Size, len(s.states), s.Transitions)
	b.Grow(16*len(s.states) + sha256.Size)
	for _, m := range s.states {
		b.Write(binary.BigEndian.AppendUint64(nil, m.hi))
		b.Write(binary.BigEndian.AppendUint64(nil, m.lo))
	}
	sum := sha256.Sum256(b.Bytes())
	b.Write(sum[:])
	return b.WriteTo(w)
}

// ReadSpace reads what WriteTo wrote, of one of these protocols. The name stands in errors, which
// are ErrSpace or those of r, on one line.
func ReadSpace(name string, r io.Reader, protocols []core.Protocol) (*Space, error) {
	all, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	bad := func(format string, args ...any) (*Space, error) {
		return nil, fmt.Errorf("%s: %w: %s", name, ErrSpace, fmt.Sprintf(format, args...))
	}
	var lines [5]string
	text := bufio.NewReader(bytes.NewReader(all))
	used := 0
	for i, want := range [...]string{spaceHeader, "protocol ", "world ", "states ", "transitions "} {
		line, err := text.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, want) {
			return bad("line %d: want %q", i+1, strings.TrimSpace(want))
		}
		used += len(line)
		lines[i] = strings.TrimSpace(line[len(want):])
	}
	s := &Space{}
	i := slices.IndexFunc(protocols, func(p core.Protocol) bool { return p.Name() == lines[1] })
	if i < 0 {
		return bad("no protocol is called %.40q", lines[1])
	}
	s.Protocol = protocols[i]
	if s.Size, err = parseSize(lines[2]); err != nil {
		return bad("%v", err)
	}
	var states uint64
	if _, err := fmt.Sscan(lines[3], &states); err != nil {
		return bad("%.40q states", lines[3])
	}
	if _, err := fmt.Sscan(lines[4], &s.Transitions); err != nil {
		return bad("%.40q transitions", lines[4])
	}
	marks := all[used:]
	if states > uint64(len(all)) || uint64(len(marks)) != 16*states+sha256.Size {
		return bad("cut short, or longer than it says: %d bytes for %d states", len(marks), states)
	}
	end := len(all) - sha256.Size
	if sha256.Sum256(all[:end]) != [sha256.Size]byte(all[end:]) {
		return bad("damaged: its checksum is another")
	}
	for b := marks[:16*states]; len(b) > 0; b = b[16:] {
		s.states = append(s.states, mark{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])})
	}
	return s, nil
}
