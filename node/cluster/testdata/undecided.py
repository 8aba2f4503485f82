"""Tells one participant to commit and the other to abort."""
from right import Node


class Undecided(Node):
    def decide(self, msg, outcomes):
        super().decide(msg, ["do_commit", "do_abort"])


Undecided().run()
