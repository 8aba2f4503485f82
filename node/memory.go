package node

import "sync"

// MemoryLog is a log that lives as long as the program: for processes played inside it, which crash
// and come back. What it takes is durable at once.
type MemoryLog struct {
	mu      sync.Mutex
	entries [][]byte
	start   int // entries there were when it was opened
}

// Open gives each all entries, and returns the log.
func (l *MemoryLog) Open(each func(entry []byte) error) (Log, error) {
	for _, e := range l.entries {
		if err := each(e); err != nil {
			return nil, err
		}
	}
	l.start = len(l.entries)
	return l, nil
}

// Append keeps a copy of an entry.
func (l *MemoryLog) Append(entry []byte) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, append([]byte(nil), entry...))
	return uint64(len(l.entries) - l.start)
}

// Sync says that everything is durable.
func (l *MemoryLog) Sync() (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.entries) - l.start), nil
}

// Close does nothing.
func (l *MemoryLog) Close() error { return nil }
