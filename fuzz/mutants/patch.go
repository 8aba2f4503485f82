package mutants

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// hunkHead is "@@ -LINE,COUNT +LINE,COUNT @@"; a count that is left out is 1.
const hunkHead = `^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@`

// patch is a unified diff of some files.
type patch []filePatch

type filePatch struct {
	path  string
	hunks []hunk
}

// hunk replaces the lines before, of which the first should be line at, by the lines after.
type hunk struct {
	at            int
	old, new      int // lines that its head promises
	before, after []string
}

func parseHunkHead(line string) (hunk, bool) {
	head := regexp.MustCompile(hunkHead).FindStringSubmatch(line)
	if head == nil {
		return hunk{}, false
	}
	var n [3]int
	for i := range n {
		count, err := strconv.Atoi(cmp.Or(head[i+1], "1"))
		if err != nil {
			return hunk{}, false
		}
		n[i] = count
	}
	return hunk{at: n[0], old: n[1], new: n[2]}, true
}

// parsePatch reads a unified diff; name is for its errors.
func parsePatch(name, text string) (patch, error) {
	var p patch
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		bad := func(why string) (patch, error) {
			return nil, fmt.Errorf("%w: %s: line %d of the diff: %s", ErrMutant, name, i+1, why)
		}
		var h *hunk
		if len(p) > 0 && len(p[len(p)-1].hunks) > 0 {
			hunks := p[len(p)-1].hunks
			h = &hunks[len(hunks)-1]
		}
		switch {
		case strings.HasPrefix(line, "--- a/"):
			p = append(p, filePatch{path: strings.TrimPrefix(line, "--- a/")})
		case len(p) == 0:
			return bad("want --- a/FILE")
		case strings.HasPrefix(line, "+++ "):
			if line != "+++ b/"+p[len(p)-1].path {
				return bad("want +++ b/" + p[len(p)-1].path)
			}
		case strings.HasPrefix(line, "@@"):
			head, ok := parseHunkHead(line)
			if !ok {
				return bad("want @@ -LINE,COUNT +LINE,COUNT @@")
			}
			f := &p[len(p)-1]
			f.hunks = append(f.hunks, head)
		case h == nil:
			return bad("want @@")
		case line == "" || line[0] == ' ':
			h.before = append(h.before, strings.TrimPrefix(line, " "))
			h.after = append(h.after, strings.TrimPrefix(line, " "))
		case line[0] == '-':
			h.before = append(h.before, line[1:])
		case line[0] == '+':
			h.after = append(h.after, line[1:])
		default:
			return bad("want a line that begins with a blank, + or -")
		}
	}
	for _, f := range p {
		for i, h := range f.hunks {
			if len(h.before) != h.old || len(h.after) != h.new {
				return nil, fmt.Errorf("%w: %s: hunk %d (line %d) of %s has %d lines before and %d after, "+
					"its head says %d and %d", ErrMutant, name, i+1, h.at, f.path, len(h.before),
					len(h.after), h.old, h.new)
			}
		}
	}
	return p, nil
}

// apply returns the source with every hunk applied. A hunk goes where its lines stand, if they do
// exactly once; anything else is an error, never a guess.
func (f *filePatch) apply(name, source string) (string, error) {
	lines := strings.Split(source, "\n")
	for i, h := range f.hunks {
		var found []int
		for at := 0; at+len(h.before) <= len(lines); at++ {
			if slices.Equal(lines[at:at+len(h.before)], h.before) {
				found = append(found, at)
			}
		}
		if len(found) != 1 || len(h.before) == 0 {
			return "", fmt.Errorf("%w: %s: hunk %d (line %d) of %s no longer applies: found %d times",
				ErrMutant, name, i+1, h.at, f.path, len(found))
		}
		lines = slices.Replace(lines, found[0], found[0]+len(h.before), h.after...)
	}
	return strings.Join(lines, "\n"), nil
}
