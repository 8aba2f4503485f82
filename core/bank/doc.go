// Package bank is one resource behind a resource manager: accounts, transfers between them, and
// reads, with locks held from prepare to outcome. It is durable and atomic by itself, as a database
// with PREPARE TRANSACTION is: what it has prepared survives the crash of the resource manager, an
// outcome is applied once however often it is told, and an abort is remembered, so that a prepare
// that was slow cannot take locks after it.
package bank
