"""Commits what nobody can pay for: the proposer proposes commit without asking anybody."""
from right import Node


class Generous(Node):
    def decide(self, msg, outcomes):
        super().decide(msg, ["do_commit"] * len(outcomes))


Generous().run()
