module example.com/mycommit

go 1.25.0

require paxoscommit v0.0.0

require github.com/anishathalye/porcupine v1.3.1 // indirect

replace paxoscommit => ../..
