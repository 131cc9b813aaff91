"""`python -I -m severance.worker`: started by `severance.worker.child`, and of no use by hand."""

from __future__ import annotations

from severance.worker.confine import alone

alone()  # before anything that takes time: until then, others may look into this process

from severance.worker.serve import main  # noqa: E402

if __name__ == "__main__":
    main()
