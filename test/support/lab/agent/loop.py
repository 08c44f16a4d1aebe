"""Waits for many sockets at once."""

import selectors
from time import monotonic


class Loop:
    """Calls a function for every descriptor that has something to read or an error to fetch."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.last_event = monotonic()

    def watch(self, descriptor, function):
        self.selector.register(descriptor, selectors.EVENT_READ, function)

    def forget(self, descriptor):
        self.selector.unregister(descriptor)

    def turn(self, seconds):
        """Waits for events, at most so long (None: without limit), and handles them.

        Returns the seconds since the last event: 0 if there was one now."""
        events = self.selector.select(seconds)
        for key, _ in events:
            # An earlier call of this round may have closed the descriptor and opened another one of the same number.
            if self.selector.get_map().get(key.fd) is key:
                key.data()
        if events:
            self.last_event = monotonic()
            return 0
        return monotonic() - self.last_event
