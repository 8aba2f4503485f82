package core

import "fmt"

// Process is a Machine made of roles, any set of them: it finds the role that an input is for, and
// checks that the input can be.
type Process struct {
	rules   Rules
	layout  *Layout
	senders Senders
	members Set                  // that a transaction can have
	places  []place              // the roles of this node, in the order of Layout.AppendRoles
	made    [NumRoleKinds][]Part // all parts that there ever were here, to be used again
}

var _ Machine = (*Process)(nil)

// Rules is what a protocol says of its processes.
type Rules interface {
	// NewPart returns the part of a kind of role that the protocol has, for a process.
	NewPart(k RoleKind, p *Process) Part
	// Senders returns who sends what to whom.
	Senders(l *Layout) Senders
	// CheckMessage returns ErrMalformed for a message with fields that cannot be, beside what every
	// message has.
	CheckMessage(m *Message, l *Layout) error
	// Writes tells whether a record can be one that its role has written.
	Writes(rec *Record, l *Layout) bool
}

// Part is a role of a process, with all its transactions.
type Part interface {
	// Reset makes it that role, with an empty log.
	Reset(l *Layout, id Role)
	// CopyFrom makes it equal to src, a part of the same type, and shares nothing with it.
	CopyFrom(src Part)
	// AppendKey is as in Machine, and so are the errors of Message.
	AppendKey(dst []byte) []byte
	Message(m *Message, out *Output) error
	// Timer takes a timer that has fired; false if the role has no timer of that kind.
	Timer(k TimerKind, tx TxID, out *Output) bool
	Restore(rec *Record)
	Restart(out *Output)
}

type place struct {
	id Role
	Part
}

// NewProcess returns a process to be Reset.
func NewProcess(r Rules) *Process { return &Process{rules: r} }

// Reset makes p the process of the given node with an empty log.
func (p *Process) Reset(l *Layout, node NodeID) {
	p.layout, p.members = l, FullSet(l.RMs)
	p.senders = p.rules.Senders(l)
	p.places = p.places[:0]
	var buf [64]Role
	for _, id := range l.AppendRoles(buf[:0]) {
		if l.NodeOf(id) == node && id.Kind != Resource {
			p.add(id).Reset(l, id)
		}
	}
}

// add gives the process one more role, whose state is any.
func (p *Process) add(id Role) Part {
	n := 0
	for i := range p.places {
		if p.places[i].id.Kind == id.Kind {
			n++
		}
	}
	made := &p.made[id.Kind]
	if n == len(*made) {
		*made = append(*made, p.rules.NewPart(id.Kind, p))
	}
	p.places = append(p.places, place{id, (*made)[n]})
	return (*made)[n]
}

// CopyFrom makes p equal to src, which must be a *Process of the same protocol.
func (p *Process) CopyFrom(src Machine) {
	s := src.(*Process)
	p.rules, p.layout, p.members = s.rules, s.layout, s.members
	p.senders = s.senders
	for i := range s.places {
		if i == len(p.places) || p.places[i].id != s.places[i].id {
			p.places = p.places[:i]
			p.add(s.places[i].id)
		}
		p.places[i].CopyFrom(s.places[i].Part)
	}
	p.places = p.places[:len(s.places)]
}

// AppendKey appends the state of every role.
func (p *Process) AppendKey(dst []byte) []byte {
	for i := range p.places {
		dst = p.places[i].AppendKey(dst)
	}
	return dst
}

// Part returns the role of that name, or nil if it is not here.
func (p *Process) Part(id Role) Part {
	for i := range p.places {
		if p.places[i].id == id {
			return p.places[i].Part
		}
	}
	return nil
}

// Step takes one input. It returns ErrMisrouted for a role that is not here or an input that the
// role does not take, ErrMalformed for fields that cannot be, ErrProtocol for what no correct peer
// sends.
func (p *Process) Step(in *Input, out *Output) error {
	switch in.Type {
	case InputMessage:
		m := &in.Msg
		part := p.Part(m.To)
		if part == nil {
			return misrouted(m)
		}
		if err := p.senders.check(m, p.layout, p.members); err != nil {
			return err
		}
		if err := p.rules.CheckMessage(m, p.layout); err != nil {
			return err
		}
		return part.Message(m, out)
	case InputTimer:
		t := &in.Timer
		if part := p.Part(t.Role); part == nil || !part.Timer(t.Kind, t.Tx, out) {
			return fmt.Errorf("timer %v: %w", *t, ErrMisrouted)
		}
	case InputRecord:
		return p.restore(&in.Rec)
	case InputRestart:
		for i := range p.places {
			p.places[i].Restart(out)
		}
	default:
		return fmt.Errorf("input type %d: %w", in.Type, ErrMisrouted)
	}
	return nil
}

func (p *Process) restore(rec *Record) error {
	part := p.Part(rec.Role)
	switch {
	case part == nil:
		return fmt.Errorf("record %v: %w", rec, ErrMisrouted)
	case !p.rules.Writes(rec, p.layout):
		return fmt.Errorf("record %v: %w", rec, ErrMalformed)
	}
	part.Restore(rec)
	return nil
}
