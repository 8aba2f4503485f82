// Command samples gives the course's sample cases to a program, and prints what came of each.
//
//	go run ./node/course/samples bin/paxoscommit node
//
// A case is a file: a line with > is input, with < an expected line of output. These must come
// first, in this order, byte for byte. A line with ~ is a text that must come in some later line,
// one with ! a text that must come in none: what the case's description asks for beyond what the
// course checks. The command exits with 1 if a case fails.
package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// patience is how long a program may take for a case.
const patience = 30 * time.Second

//go:embed testdata/*.txt
var cases embed.FS

// sample is one case.
type sample struct {
	name, title    string
	input, want    []string
	later, nowhere []string
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "samples: want a program and its arguments")
		os.Exit(2)
	}
	failed, err := run(context.Background(), os.Stdout, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "samples:", err)
		os.Exit(2)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

// run runs every case and returns how many failed.
func run(ctx context.Context, out io.Writer, program []string) (failed int, err error) {
	files, err := cases.ReadDir("testdata")
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		text, err := cases.ReadFile("testdata/" + f.Name())
		if err != nil {
			return 0, err
		}
		s := parse(strings.TrimSuffix(f.Name(), ".txt"), string(text))
		start := time.Now()
		wrong := s.run(ctx, program)
		result := "pass"
		if wrong != "" {
			result = "FAIL"
			failed++
		}
		fmt.Fprintf(out, "%s  %-30s %5.1f s  %s\n", result, s.name, time.Since(start).Seconds(),
			s.title)
		if wrong != "" {
			fmt.Fprintf(out, "      %s\n", wrong)
		}
	}
	fmt.Fprintf(out, "%d of %d cases pass\n", len(files)-failed, len(files))
	return failed, nil
}

func parse(name, text string) sample {
	s := sample{name: name}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		mark, rest, _ := strings.Cut(line, " ")
		switch mark {
		case "#":
			if _, title, ok := strings.Cut(rest, ": "); ok && s.title == "" {
				s.title = title
			}
		case ">":
			s.input = append(s.input, rest)
		case "<":
			s.want = append(s.want, rest)
		case "~":
			s.later = append(s.later, rest)
		case "!":
			s.nowhere = append(s.nowhere, rest)
		default:
			panic("samples: " + name + ": a line without a mark: " + line)
		}
	}
	return s
}

// run returns what is wrong, or nothing.
func (s *sample) run(ctx context.Context, program []string) string {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program[0], program[1:]...)
	cmd.Stdin = strings.NewReader(strings.Join(s.input, "\n") + "\n")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Sprintf("%v: %s", err, stderr.Bytes())
	}
	lines := strings.Split(stdout.String(), "\n")
	for i, want := range s.want {
		if i >= len(lines) || lines[i] != want {
			return fmt.Sprintf("line %d is %s, want %s", i+1, lines[min(i, len(lines)-1)], want)
		}
	}
	for _, text := range s.later {
		if !strings.Contains(stdout.String(), text) {
			return "nowhere is " + text
		}
	}
	for _, text := range s.nowhere {
		if strings.Contains(stdout.String(), text) {
			return "somewhere is " + text
		}
	}
	return ""
}
