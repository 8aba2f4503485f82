// Package rounds is the least world that the benchmarks of all protocols run their machines in:
// what is sent in one round arrives in the next, storage is durable by then, databases vote
// prepared and do what they are told, and timers never fire. A round's messages stay where the
// machines have written them, so that the figures are those of the machines.
package rounds
