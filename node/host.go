package node

import (
	"context"
	"sync"
	"time"
)

// Host is the goroutine in which processes live. Everything that happens to them is an event, a
// function; events happen one after the other, in the order in which they came.
type Host struct {
	// Idle is called when nothing is on its way any more but time: no event, no sync.
	Idle func()

	mu     sync.Mutex
	queue  []func()
	wake   chan struct{}
	syncs  int // running
	failed error
}

// NewHost returns a host to Run.
func NewHost() *Host { return &Host{Idle: func() {}, wake: make(chan struct{}, 1)} }

// Do adds an event. It may be called from any goroutine, and from events.
func (h *Host) Do(event func()) {
	h.mu.Lock()
	h.queue = append(h.queue, event)
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Fail stops Run, which returns the error.
func (h *Host) Fail(err error) {
	if h.failed == nil {
		h.failed = err
	}
}

// Run makes events happen until the context is done or Fail is called, and returns what was passed
// to Fail.
func (h *Host) Run(ctx context.Context) error {
	for h.failed == nil {
		h.mu.Lock()
		events := h.queue
		h.queue = nil
		h.mu.Unlock()
		for _, event := range events {
			if event(); h.failed != nil {
				break
			}
		}
		if len(events) > 0 {
			continue
		}
		if h.syncs == 0 {
			h.Idle()
		}
		select {
		case <-h.wake:
		case <-ctx.Done():
			return h.failed
		}
	}
	return h.failed
}

// after adds an event when some time has passed; stop may come too late.
func (h *Host) after(d time.Duration, event func()) (stop func()) {
	t := time.AfterFunc(d, func() { h.Do(event) })
	return func() { t.Stop() }
}

// sync runs f beside the events, and then done with its results as an event.
func (h *Host) sync(f func() (uint64, error), done func(uint64, error)) {
	h.syncs++
	go func() {
		end, err := f()
		h.Do(func() {
			h.syncs--
			done(end, err)
		})
	}()
}
