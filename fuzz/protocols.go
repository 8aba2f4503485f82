package fuzz

import (
	"fmt"
	"strings"

	"paxoscommit/core"
	"paxoscommit/core/paxoscommit"
	"paxoscommit/core/replicated"
	"paxoscommit/core/threephase"
	"paxoscommit/core/twophase"
)

// Protocols returns the protocols of this module: the one place where a protocol is registered.
func Protocols() []core.Protocol {
	return []core.Protocol{
		paxoscommit.Protocol{},
		paxoscommit.Protocol{Faster: true},
		replicated.Protocol{},
		twophase.Protocol{},
		threephase.Protocol{},
		threephase.Protocol{Rules: threephase.Course},
		threephase.Protocol{Rules: threephase.Timeouts},
	}
}

// FindProtocol returns the protocol of that name. The error lists the names there are.
func FindProtocol(name string) (core.Protocol, error) {
	var names []string
	for _, p := range Protocols() {
		if p.Name() == name {
			return p, nil
		}
		names = append(names, p.Name())
	}
	return nil, fmt.Errorf("no protocol is called %q; there are %s",
		name, strings.Join(names, ", "))
}
