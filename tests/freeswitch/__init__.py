"""Calls over SIP and RTP through a real FreeSWITCH that runs the dialplan and settings we ship."""
