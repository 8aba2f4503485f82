package serve

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// phase is a message of a proposer to the acceptor a1.
func phase(id int, kind string, proposal int64, more string) string {
	return fmt.Sprintf(`{"src":"x","dest":"a1","body":{"type":%q,"msg_id":%d,"proposal_id":%d%s}}`,
		kind, id, proposal, more)
}

// TestCourseAcceptor: its promises tell the accepted ballot, hold for each participant by itself,
// and survive a restart.
func TestCourseAcceptor(t *testing.T) {
	const p1 = `,"participant":"p1"`
	dir := t.TempDir()
	start := strings.Replace(courseInit, `"dest":"n1"`, `"dest":"a1"`, 1)
	// A node ends with its input, and what is not durable by then is never said.
	said := func(want string, lines ...string) {
		t.Helper()
		out, _ := serveUntil(t, dir, want, append([]string{start}, lines...)...)
		require.Contains(t, strings.Join(out, "\n"), want)
	}
	said(`"type": "promise", "in_reply_to": 2, "msg_id": 1, "acceptor": "a1", "proposal_id": 2, `+
		`"participant": "p1", "accepted_value": null`, phase(2, "prepare", 2, p1))
	said(`"type": "rejected", "in_reply_to": 3, "msg_id": 1, "acceptor": "a1", "proposal_id": 1, `+
		`"promised_id": 2`, phase(3, "prepare", 1, p1))
	said(`"type": "accepted", "in_reply_to": 4, "msg_id": 1, "acceptor": "a1", "proposal_id": 2, `+
		`"participant": "p1", "value": "commit"`, phase(4, "accept", 2, p1+`,"value":"commit"`))
	said(`"type": "promise", "in_reply_to": 5, "msg_id": 1, "acceptor": "a1", "proposal_id": 7, `+
		`"participant": "p1", "accepted_proposal_id": 2, "accepted_value": "commit"`,
		phase(5, "prepare", 7, p1))
	said(`"type": "rejected", "in_reply_to": 6`, phase(6, "accept", 6, p1+`,"value":"abort"`))
	said(`"participant": "p2", "accepted_value": null`,
		phase(7, "prepare", 1, `,"participant":"p2"`))
	for _, wrong := range []string{
		phase(8, "prepare", 0, p1), phase(8, "prepare", 1<<32, p1), phase(8, "prepare", 1, ``),
		phase(8, "accept", 9, p1+`,"value":"maybe"`), phase(8, "accept", 9, p1+`,"value":7`),
	} {
		said(`"type":"error","in_reply_to":8,"msg_id":1,"code":12`, wrong)
	}
}
