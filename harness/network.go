package harness

import "paxoscommit/core"

// network is the messages in flight, in no order that means anything, and beside each the sum of
// its content, by which it is found and hashed. The zero network is empty and ready.
type network struct {
	msgs []core.Message
	sums []uint64
}

func (n *network) clear() { n.msgs, n.sums = n.msgs[:0], n.sums[:0] }

// add puts a message with this sum of its content in flight.
func (n *network) add(m *core.Message, sum uint64) {
	n.msgs, n.sums = append(n.msgs, *m), append(n.sums, sum)
}

// put is add for a message whose sum is not known yet.
func (n *network) put(m *core.Message) { n.add(m, sumContent(m)) }

// find returns the place of the first message with this content, or -1.
func (n *network) find(sum uint64, named *core.Message) int {
	for i, s := range n.sums {
		if s == sum && sameContent(&n.msgs[i], named) {
			return i
		}
	}
	return -1
}

// first returns the place of the first message with the content of the i-th.
func (n *network) first(i int) int {
	for k, s := range n.sums[:i] {
		if s == n.sums[i] && sameContent(&n.msgs[k], &n.msgs[i]) {
			return k
		}
	}
	return i
}

// remove takes the i-th message out and fills its place with the last.
func (n *network) remove(i int) {
	last := len(n.msgs) - 1
	n.msgs[i], n.sums[i] = n.msgs[last], n.sums[last]
	n.msgs, n.sums = n.msgs[:last], n.sums[:last]
}

// removeAll takes out the messages that are lost; the others stay in order.
func (n *network) removeAll(lost func(m *core.Message) bool) {
	kept := 0
	for i := range n.msgs {
		if !lost(&n.msgs[i]) {
			n.msgs[kept], n.sums[kept] = n.msgs[i], n.sums[i]
			kept++
		}
	}
	n.msgs, n.sums = n.msgs[:kept], n.sums[:kept]
}
