"""The tenant's documents: read, cut into passages, kept, and found again for a question.

Import from the modules (`knowledge.ingest`, `knowledge.retrieval`, `knowledge.documents`): the
process that opens hostile PDFs imports this package too and should load nothing it does not need.
"""
