"""`python -m clipavatar`, which is also what `accelerate launch -m clipavatar train` runs."""

from clipavatar.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
