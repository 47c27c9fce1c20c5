"""One-time codes from an app as a second factor, and recovery codes for when it is lost; see docs/user/account.md."""
