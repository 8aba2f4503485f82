package explore

import (
	"cmp"
	"slices"

	"paxoscommit/core"
	"paxoscommit/harness"
)

// maxSymmetries bounds the symmetries of a world, and with them the time that a key takes.
const maxSymmetries = 24

// A symmetry exchanges roles of a kind, and with them nodes, messages and parts, so that whatever
// can happen in a world can happen in its image. That is not taken on trust: the image of a part is
// found by walking from the initial parts along all that can happen, on both sides at once, and any
// difference on the way means that there is no such symmetry.
type symmetry struct {
	nodes    [maxParts]uint8 // where each goes
	from     [maxParts]uint8 // where what goes to each comes from
	parts    []uint32
	messages []uint16
	sent     [][256][sentWords]uint64 // images of sets of messages, by byte of a State's sent
}

// exchange is the exchange of two roles of a kind.
type exchange struct {
	kind core.RoleKind
	a, b uint8
}

func (x exchange) id(kind core.RoleKind, id uint8) uint8 {
	switch {
	case kind != x.kind && (kind != core.Resource || x.kind != core.RM):
	case id == x.a:
		return x.b
	case id == x.b:
		return x.a
	}
	return id
}

func (x exchange) role(r core.Role) core.Role {
	r.ID = x.id(r.Kind, r.ID)
	return r
}

func (x exchange) members(s core.Set) core.Set {
	if x.kind != core.RM || s.Has(x.a) == s.Has(x.b) {
		return s
	}
	return s ^ core.SetOf(x.a) ^ core.SetOf(x.b)
}

func (x exchange) message(m core.Message) core.Message {
	m.From, m.To = x.role(m.From), x.role(m.To)
	m.Members, m.Joined = x.members(m.Members), x.members(m.Joined)
	m.Votes.Prepared, m.Votes.Aborted = x.members(m.Votes.Prepared), x.members(m.Votes.Aborted)
	return m
}

// walk is a symmetry under construction.
type walk struct {
	l       *loner
	x       exchange
	sym     *symmetry
	actions []harness.Action // by code, less isOwn
	queue   []uint32
	failed  bool
}

// findSymmetries sets the symmetries of the model: the group that its exchanges make.
func (l *loner) findSymmetries() {
	actions := make([]harness.Action, len(l.codes))
	for a, code := range l.codes {
		actions[code&^isOwn] = a
	}
	var group []*symmetry
	for _, kind := range [...]core.RoleKind{core.Acceptor, core.RM} {
		for b := range l.m.cfg.Layout.Count(kind) {
			for a := range b {
				w := &walk{l: l, x: exchange{kind, uint8(a + 1), uint8(b + 1)}, actions: actions}
				if s := w.find(); s != nil {
					group = append(group, s)
				}
			}
		}
	}
	exchanges := len(group)
	for i := 0; i < len(group); i++ {
		for k := range exchanges {
			if both := group[i].then(group[k]); both != nil && !slices.ContainsFunc(group,
				func(s *symmetry) bool { return s.nodes == both.nodes }) {
				group = append(group, both)
			}
		}
	}
	if len(group) > maxSymmetries {
		return
	}
	for _, s := range group {
		s.tabulate()
	}
	l.m.symmetries = group
}

// then is one symmetry after the other, nil if nothing is exchanged.
func (s *symmetry) then(t *symmetry) *symmetry {
	both, same := &symmetry{}, true
	for i, n := range s.nodes {
		both.nodes[i] = t.nodes[n]
		same = same && both.nodes[i] == uint8(i)
	}
	if same {
		return nil
	}
	for _, id := range s.parts {
		both.parts = append(both.parts, t.parts[id])
	}
	for _, id := range s.messages {
		both.messages = append(both.messages, t.messages[id])
	}
	return both
}

// find returns the symmetry, nil if there is none.
func (w *walk) find() *symmetry {
	m := w.l.m
	w.sym = &symmetry{parts: make([]uint32, len(w.l.first)), messages: make([]uint16, len(m.messages))}
	for n := range w.sym.nodes {
		w.sym.nodes[n] = uint8(w.node(core.NodeID(n)))
	}
	for id, msg := range m.messages {
		image, ok := m.msgIDs[w.x.message(msg)]
		if !ok {
			return nil
		}
		w.sym.messages[id] = uint16(image)
	}
	for n := range m.n {
		w.pair(m.init.parts[n], m.init.parts[w.sym.nodes[n]])
		w.pair(m.spared[n], m.spared[w.sym.nodes[n]])
	}
	for len(w.queue) > 0 && !w.failed && !w.l.halter.stop() {
		id := w.queue[len(w.queue)-1]
		w.queue = w.queue[:len(w.queue)-1]
		w.part(id)
	}
	unpaired := func(id uint32) bool { return w.sym.parts[id] == 0 }
	if w.failed || w.l.halter.halted || slices.ContainsFunc(w.l.parts, unpaired) {
		return nil
	}
	return w.sym
}

func (w *walk) node(n core.NodeID) core.NodeID {
	l := &w.l.m.cfg.Layout
	for _, k := range [...]core.RoleKind{core.RM, core.Acceptor} {
		for i := range l.Count(k) {
			r := core.Role{Kind: k, ID: uint8(i + 1)}
			if l.NodeOf(r) == n {
				return l.NodeOf(w.x.role(r))
			}
		}
	}
	return n
}

// pair says that a part has an image.
func (w *walk) pair(id, image uint32) {
	switch w.sym.parts[id] {
	case image:
	case 0:
		w.sym.parts[id] = image
		w.queue = append(w.queue, id)
		w.failed = w.failed || w.l.m.part(id).broken != w.l.m.part(image).broken
	default:
		w.failed = true
	}
}

// part pairs what follows a part.
func (w *walk) part(id uint32) {
	image := w.sym.parts[id]
	list := w.l.of(id)
	for i := 0; i < len(list) && !w.failed; i++ {
		e := &list[i]
		k := -1
		if code, ok := w.code(e.code); ok {
			k = w.l.find(image, code)
		}
		if k < 0 || !w.sends(e.edge, w.l.events[k].edge) {
			w.failed = true
			return
		}
		w.pair(e.next, w.l.events[k].next)
	}
}

func (w *walk) code(code uint16) (uint16, bool) {
	switch {
	case code == becomeSafe:
		return code, true
	case code < isOwn:
		return w.sym.messages[code], true
	}
	a := w.actions[code&^isOwn]
	a.Msg, a.Role, a.Timer.Role = w.x.message(a.Msg), w.x.role(a.Role), w.x.role(a.Timer.Role)
	a.Node = w.node(a.Node)
	image, ok := w.l.codes[a]
	return image, ok
}

// sends tells whether one edge sends the images of what the other does.
func (w *walk) sends(e, image edge) bool {
	var got, want State
	w.l.m.send(&got, e.out)
	w.l.m.send(&want, image.out)
	var mapped State
	for id := range got.messages() {
		to := w.sym.messages[id]
		mapped.sent[to/64] |= 1 << (to % 64)
	}
	return mapped.sent == want.sent
}

// tabulate works out the images of sets of messages, and whence nodes come.
func (s *symmetry) tabulate() {
	for i, n := range s.nodes {
		s.from[n] = uint8(i)
	}
	s.sent = make([][256][sentWords]uint64, (len(s.messages)+7)/8)
	for id, to := range s.messages {
		for b := range 256 {
			if b>>(id%8)&1 == 1 {
				s.sent[id/8][b][to/64] |= 1 << (to % 64)
			}
		}
	}
}

// compareParts compares the parts of the image of a state with those of another.
func (s *symmetry) compareParts(from, with *State, n int) int {
	for i := range n {
		if c := cmp.Compare(s.parts[from.parts[s.from[i]]], with.parts[i]); c != 0 {
			return c
		}
	}
	return 0
}

// image returns the image of a state.
func (s *symmetry) image(m *Model, of *State) State {
	to := State{left: of.left}
	for i := range m.n {
		to.parts[i] = s.parts[of.parts[s.from[i]]]
	}
	words := m.words()
	for i := range s.sent {
		if b := byte(of.sent[i/8] >> (i % 8 * 8)); b != 0 {
			row := &s.sent[i][b]
			for k := range words {
				to.sent[k] |= row[k]
			}
		}
	}
	return to
}

// AppendKey appends the least of the states that are the same but for symmetries.
func (m *Model) AppendKey(dst []byte, s State) []byte {
	least := s
	for _, sym := range m.symmetries {
		order := sym.compareParts(&s, &least, m.n)
		if order > 0 {
			continue
		}
		t := sym.image(m, &s)
		if order < 0 || slices.Compare(t.sent[:], least.sent[:]) < 0 {
			least = t
		}
	}
	return m.appendState(dst, &least)
}

// OrbitSize returns how many states are the same as s but for symmetries: the size of the group by
// how many of its members leave s as it is.
func (m *Model) OrbitSize(s State) uint64 {
	still := 1
	for _, sym := range m.symmetries {
		if sym.compareParts(&s, &s, m.n) == 0 && sym.image(m, &s).sent == s.sent {
			still++
		}
	}
	return uint64((len(m.symmetries) + 1) / still)
}
