package serve

import (
	"errors"
	"path/filepath"

	"paxoscommit/node"
	"paxoscommit/node/course"
	"paxoscommit/node/wire"
)

// courseNode is a node of the course.
type courseNode struct {
	session *course.Session
	folder  node.Log // empty: whose folder it is, from init on; everybody played has a log within
	blanks  bool     // the samples with participants in init have blanks in what they expect
}

func (s *server) newCourse(name string, body *initBody) (*courseNode, error) {
	c := &courseNode{blanks: body.NodeID == ""}
	participants := body.Participants
	if len(participants) == 0 {
		for _, id := range body.NodeIDs {
			if id != name {
				participants = append(participants, id)
			}
		}
	}
	var err error
	c.folder, err = s.open(s.options.Data, name+" of the course")(func([]byte) error { return nil })
	if err != nil {
		return nil, err
	}
	c.session, err = course.New(course.Config{
		Host: s.host, Self: name, Participants: participants, Acceptors: body.Acceptors,
		Protocol: body.Protocol, Apart: s.options.Apart, Find: s.options.Find, Report: s.report,
		Open: func(where string) func(each func(entry []byte) error) (node.Log, error) {
			return s.open(filepath.Join(s.options.Data, where), name+" "+where)
		},
		Reply: func(l *wire.Line, h *wire.Head, body func(r wire.ReplyHead) any) {
			s.reply(name, l, h, c.blanks, body)
		},
		Write: func(src, dest string, body any) {
			line, err := wire.Encode(src, dest, body, c.blanks)
			if err != nil {
				s.report(err)
				return
			}
			s.write(line)
		},
	})
	return c, err
}

func (c *courseNode) handle(l *wire.Line, h *wire.Head) error { return c.session.Handle(l, h) }
func (c *courseNode) busy() bool                              { return c.session.Busy() }
func (c *courseNode) close() error {
	return errors.Join(c.session.Close(), c.folder.Close())
}
