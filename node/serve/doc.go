// Package serve is a node as a program: it reads messages as lines, and answers with lines.
//
//	serve.go   the loop over lines, init, errors
//	system.go  a node of a system that is given in its init, whose messages are those of core
//
// The first message is init. One with a system makes the node a process of that system. Any other
// is the course's, and package course says what the node then does.
//
// Input that is wrong stops nothing: whoever asked is answered with an error body and the code that
// Maelstrom has for it, and a line on standard error says what it was. Nobody is answered who has
// sent no msg_id, or a reply.
package serve
