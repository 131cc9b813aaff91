"""The audit log: what happened with permits, crossings and keys, in a log that cannot be quietly rewritten."""
