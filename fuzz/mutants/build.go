package mutants

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Root returns the folder of the module's sources, which building a planted bug needs: that of the
// module in which the process runs.
func Root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "paxoscommit").Output()
	if err != nil {
		return "", fmt.Errorf("%w: a planted bug is built from source: run this in a checkout of the "+
			"module, with go installed", ErrMutant)
	}
	return strings.TrimSpace(string(out)), nil
}

// Overlay applies the diff to the sources under root, writes the changed files into dir, and
// returns the file for go build -overlay.
func (m *Mutant) Overlay(root, dir string) (string, error) {
	p, err := parsePatch(m.ID+".diff", string(m.diff))
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for _, f := range p {
		path := filepath.Join(root, filepath.FromSlash(f.path))
		source, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("%w: %s.diff: %w", ErrMutant, m.ID, err)
		}
		text, err := f.apply(m.ID+".diff", string(source))
		if err != nil {
			return "", err
		}
		changed := filepath.Join(dir, m.ID+"-"+strings.ReplaceAll(f.path, "/", "-"))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("%w: %w", ErrMutant, err)
		}
		replace[path] = changed
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrMutant, err)
	}
	overlay := filepath.Join(dir, m.ID+".json")
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		return "", fmt.Errorf("%w: %w", ErrMutant, err)
	}
	return overlay, nil
}

// Build builds a command of the module under root with the bug in it, and writes it to dir.
func (m *Mutant) Build(ctx context.Context, root, dir, pkg string) (program string, err error) {
	overlay, err := m.Overlay(root, dir)
	if err != nil {
		return "", err
	}
	program = filepath.Join(dir, m.ID)
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", program, pkg)
	cmd.Dir = root
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: build with %s: %w\n%s", ErrMutant, m.ID, err, out.Bytes())
	}
	return program, nil
}
