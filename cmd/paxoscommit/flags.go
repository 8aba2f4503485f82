package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// errLeadingZero is what is wrong with 010, which some read as ten and some as eight.
var errLeadingZero = errors.New("leading zero")

// decimal is the value of a flag that is a number. pflag by itself takes 010 for eight, and 0x10
// and 1_0 too.
type decimal struct{ pflag.Value }

// Set reads decimal digits.
func (d decimal) Set(text string) error {
	digits := strings.TrimPrefix(text, "-")
	switch {
	case digits == "" || strings.Trim(digits, "0123456789") != "":
		return strconv.ErrSyntax
	case digits[0] == '0' && digits != "0":
		return errLeadingZero
	}
	return d.Value.Set(text)
}

// errEmpty is what is wrong with the value of a flag that a shell variable was to give.
var errEmpty = errors.New("empty")

// something is the value of a flag that is a text.
type something struct{ pflag.Value }

// Set reads anything but nothing.
func (s something) Set(text string) error {
	if text == "" {
		return errEmpty
	}
	return s.Value.Set(text)
}

// readStrictly has the flags of the sub-commands refuse what is nobody's intention.
func readStrictly(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			switch f.Value.Type() {
			case "int", "uint64":
				f.Value = decimal{f.Value}
			case "string":
				f.Value = something{f.Value}
			}
		})
	}
}

// flagError says in words what a flag wants that was given something else.
func flagError(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	if errors.Is(err, errEmpty) {
		return fmt.Errorf("--%s must not be empty", invalid.GetFlag().Name)
	}
	want := invalid.GetFlag().Value.Type()
	switch want {
	case "uint64":
		want = "a number from 0"
	case "int":
		want = "a number"
	case "bool":
		want = "true or false"
	case "duration":
		want = "a time such as 30s"
	default:
	}
	switch {
	case errors.Is(err, errLeadingZero):
		want += " without leading zeros"
	case errors.Is(err, strconv.ErrRange):
		want += " that fits into 64 bits"
	}
	return fmt.Errorf("--%s must be %s, not %q", invalid.GetFlag().Name, want, invalid.GetValue())
}

// noArgs is for sub-commands that take flags only.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no argument, but was given %q", cmd.Name(), args[0])
	}
	return nil
}

// atMostOne is for sub-commands that take an argument or none.
func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%s takes one argument or none, but was given %s", cmd.Name(),
			counted(uint64(len(args)), "argument"))
	}
	return nil
}

// oneFile is for sub-commands that take one FILE.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%s takes one FILE, but was given %s", cmd.Name(),
			counted(uint64(len(args)), "argument"))
	}
	return nil
}

// newHelpCommand is cobra's, but that it refuses what there is no help for.
func newHelpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Tell more about a command",
		RunE: func(_ *cobra.Command, args []string) error {
			about, rest, err := root.Find(args)
			switch {
			case err != nil:
				return err
			case len(rest) > 0:
				return fmt.Errorf("there is no help for %q", strings.Join(args, " "))
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// openInput opens a file to read; "-" is standard input.
func openInput(file string, stdin io.Reader) (io.ReadCloser, error) {
	if file == "-" {
		return io.NopCloser(stdin), nil
	}
	return os.Open(file)
}

// notDash refuses a file or folder to write that is called as standard output is elsewhere.
func notDash(file string) error {
	if file == "-" {
		return errors.New(`"-" stands for standard input only: give a name to write to`)
	}
	return nil
}

// makeDir makes the folder of that name, unless that is empty: then none is asked for.
func makeDir(name string) error {
	if err := notDash(name); err != nil || name == "" {
		return err
	}
	return os.MkdirAll(name, 0o755)
}

// canWrite returns the error that writing a file would end with, before there is anything to
// write, and leaves everything as it is.
func canWrite(file string) error {
	if err := notDash(file); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err = os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(file))
}
