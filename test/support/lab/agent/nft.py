"""Runs nft commands inside this process: starting the program for each takes several times as long as its work."""

import ctypes

LIBRARY = "libnftables.so.1"

# What the letters of nft's command line set, from nftables/libnftables.h.
FLAGS = {"S": 1 << 1, "s": 1 << 2, "a": 1 << 3, "j": 1 << 4, "p": 1 << 7, "y": 1 << 8, "n": 0b1111 << 7, "t": 1 << 11}


class Nft:
    def __init__(self):
        self.library = ctypes.CDLL(LIBRARY)
        context, text = ctypes.c_void_p, ctypes.c_char_p
        self.declare("nft_ctx_new", context, ctypes.c_uint32)
        self.declare("nft_ctx_free", None, context)
        self.declare("nft_ctx_buffer_output", ctypes.c_int, context)
        self.declare("nft_ctx_buffer_error", ctypes.c_int, context)
        self.declare("nft_ctx_output_set_flags", None, context, ctypes.c_uint)
        self.declare("nft_run_cmd_from_buffer", ctypes.c_int, context, text)
        self.declare("nft_ctx_get_output_buffer", text, context)
        self.declare("nft_ctx_get_error_buffer", text, context)
        self.context = self.library.nft_ctx_new(0)
        self.library.nft_ctx_buffer_output(self.context)
        self.library.nft_ctx_buffer_error(self.context)

    def declare(self, name, result, *arguments):
        function = getattr(self.library, name)
        function.restype, function.argtypes = result, arguments

    def run(self, commands):
        """An answer for each command {text, flags}, {output} or {complaint}; a complaint is the last one."""
        answers = []
        for command in commands:
            flags = sum(FLAGS[letter] for letter in command.get("flags", ""))
            self.library.nft_ctx_output_set_flags(self.context, flags)
            failed = self.library.nft_run_cmd_from_buffer(self.context, command["text"].encode())
            if failed:
                complaint = self.library.nft_ctx_get_error_buffer(self.context).decode()
                return [*answers, {"complaint": complaint.strip() or "refused without a word"}]
            answers.append({"output": self.library.nft_ctx_get_output_buffer(self.context).decode()})
        return answers
