package cluster

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"paxoscommit/node/wire"
)

// child is one process of a program.
type child struct {
	cmd   *exec.Cmd
	mu    sync.Mutex
	queue [][]byte
	wake  chan struct{}
	gone  chan struct{} // closed when the process is
}

// start starts a program in a folder of its own, and in a process group of its own: a Ctrl-C is for
// us, and whoever it has started goes with it. Each line that it writes is passed to heard, from
// another goroutine, one that is too long as nil, and after the last one ended is called with how
// it ended.
func start(
	command []string, dir string, stderr io.Writer, heard func(line []byte), ended func(error),
) (*child, error) {
	c := &child{
		cmd:  exec.Command(command[0], command[1:]...),
		wake: make(chan struct{}, 1), gone: make(chan struct{}),
	}
	c.cmd.Dir, c.cmd.Stderr = dir, stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.WaitDelay = time.Second
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cluster: start a node: %w", err)
	}
	go c.feed(stdin)
	go func() {
		r := wire.NewReader(stdout)
		for {
			line, err := r.Next()
			if err != nil && !errors.Is(err, wire.ErrTooLong) {
				break
			}
			heard(append([]byte(nil), line...))
		}
		err := c.cmd.Wait()
		close(c.gone)
		ended(err)
	}()
	return c, nil
}

// feed writes what is queued.
func (c *child) feed(stdin io.WriteCloser) {
	defer stdin.Close()
	for {
		select {
		case <-c.wake:
		case <-c.gone:
			return
		}
		c.mu.Lock()
		lines := c.queue
		c.queue = nil
		c.mu.Unlock()
		for _, line := range lines {
			if line == nil {
				return
			}
			if _, err := stdin.Write(append(line, '\n')); err != nil {
				return // it is dying
			}
		}
	}
}

// say queues a line for the process; nil ends its input.
func (c *child) say(line []byte) {
	c.mu.Lock()
	c.queue = append(c.queue, line)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// kill ends the process at once, and whoever it has started.
func (c *child) kill() {
	select {
	case <-c.gone: // and its number may be another's
	default:
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) // that it is gone is no error
	}
}
