package main

import (
	"errors"
	"strconv"
	"strings"
)

// errNotDecimal is what is wrong with 010, which some read as ten and some as eight, and with 0x10.
var errNotDecimal = errors.New("want decimal digits without leading zeros")

// decimal is a flag that is a number. Package flag by itself takes 010 for eight, and 0x10 and 1_0
// too.
type decimal uint64

// Set reads decimal digits.
func (d *decimal) Set(text string) error {
	if text == "" || strings.Trim(text, "0123456789") != "" || text[0] == '0' && text != "0" {
		return errNotDecimal
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return strconv.ErrRange
	}
	*d = decimal(n)
	return nil
}

// String is what Set reads.
func (d *decimal) String() string { return strconv.FormatUint(uint64(*d), 10) }
