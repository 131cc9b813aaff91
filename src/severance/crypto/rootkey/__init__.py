"""Where the root key comes from: given in code, the environment, a file, a passphrase, the keychain or a command.

A source is asked for the key of one store, and tells what the chip is to record so that it is found again. The record
is in the clear and can be altered by whoever can write the store; nothing in it is trusted. No source falls back to
another.
"""

from severance.crypto.rootkey.command import Command
from severance.crypto.rootkey.environment import KEY_VARIABLE, Environment
from severance.crypto.rootkey.given import Given
from severance.crypto.rootkey.keychain import Keychain
from severance.crypto.rootkey.keyfile import KeyFile
from severance.crypto.rootkey.passphrase import Cost, Passphrase
from severance.crypto.rootkey.resolve import Key, for_new_store, for_store, parse_spec, variables
from severance.crypto.rootkey.source import KEY_BYTES, Record, Source, Where, decode_key, encode_key

__all__ = [
    "KEY_BYTES",
    "KEY_VARIABLE",
    "Command",
    "Cost",
    "Environment",
    "Given",
    "Key",
    "KeyFile",
    "Keychain",
    "Passphrase",
    "Record",
    "Source",
    "Where",
    "decode_key",
    "encode_key",
    "for_new_store",
    "for_store",
    "parse_spec",
    "variables",
]
