package core

// ResetRoles returns roles with one entry for each role of a kind, or replica of one, on a node, in
// order. It reuses what is there, memory included, and tells each which role it is.
func ResetRoles[T any, P interface {
	*T
	SetID(Role)
}](roles []T, l *Layout, node NodeID, kind RoleKind,
) []T {
	n := 0
	for i := range l.Count(kind) {
		for c := range max(l.copies(kind), 1) {
			id := l.ReplicaOf(Role{Kind: kind, ID: uint8(i + 1)}, c)
			if l.NodeOf(id) != node {
				continue
			}
			roles = Resize(roles, n+1)
			P(&roles[n]).SetID(id)
			n++
		}
	}
	return roles[:n]
}

// Resize returns s with length n. Entries that it gains are those it had before it was made
// shorter, so that their memory is used again, or zero.
func Resize[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:n]
	}
	return append(s[:cap(s)], make([]T, n-cap(s))...)
}
