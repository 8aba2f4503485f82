// Package peers measures what other consensus libraries cost, so that the figures of this
// project stand beside figures taken on the same machine in the same minute. It is a module of
// its own: nothing that it needs becomes a dependency of paxoscommit.
package peers
