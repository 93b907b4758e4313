"""Numbered SQL files, applied in order by `tenants.migrate`.

`NNNN_pre_<what>.sql` may run while the previous version of the program still answers calls;
`NNNN_post_<what>.sql` runs once the new one has replaced it everywhere. A file that has been
released is never edited: the runner keeps its checksum and refuses.
"""
