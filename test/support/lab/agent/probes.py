"""Runs a list of attempts, a bounded number at once."""

from time import monotonic

from attempts import new_attempt

CHECK_SECONDS = 0.1


class Probes:
    def __init__(self, loop, answer):
        self.loop, self.answer = loop, answer
        self.waiting, self.running, self.results, self.at_once = [], {}, [], 0

    def begin(self, specs, at_once):
        """Starts the attempts; the answer {"results": [...]}, in their order, follows when the last one has ended."""
        self.results, self.at_once = [None] * len(specs), at_once
        self.waiting = list(reversed(list(enumerate(specs))))
        self.refill()

    def refill(self):
        while self.waiting and len(self.running) < self.at_once:
            index, spec = self.waiting.pop()
            attempt = new_attempt(spec)
            self.results[index] = attempt.begin()
            if self.results[index] is not None:
                attempt.socket.close()
                continue
            attempt.started = monotonic()
            self.running[index] = attempt
            self.loop.watch(attempt.socket, lambda index=index: self.receive(index))
        if not self.running:
            self.answer({"results": self.results})

    def receive(self, index):
        result = self.running[index].receive()
        if result is not None:
            self.end(index, result)
            self.refill()

    def end(self, index, result):
        attempt = self.running.pop(index)
        self.loop.forget(attempt.socket)
        attempt.socket.close()
        self.results[index] = result

    def seconds_left(self):
        """How long to wait for events before looking for silent attempts; None while nothing runs."""
        return CHECK_SECONDS if self.running else None

    def expire(self, seconds_quiet):
        """Ends the attempts whose patience the silence has outlasted."""
        now = monotonic()
        silent = [
            index
            for index, attempt in self.running.items()
            # A busy machine is slow, not silent: patience counts from the last time that anything happened here.
            if min(seconds_quiet, now - attempt.started) >= attempt.patience
        ]
        for index in silent:
            self.end(index, {"silent": True})
        if silent:
            self.refill()
