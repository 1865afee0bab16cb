"""Proof that the trail is as it was recorded: seals, what is under them, and what verifies them.

Operations and their history are rendered as documents (`documents`), whose digests are kept in parts
(`parts`). A seal (`seal_documents`) signs (`signing`) the digests of some operations and names the seal
before it; the sealer (`seals`) makes one every minute. Copies of seals are kept elsewhere (`checkpoints`,
`anchors`), and seals with all that is under them are written into files (`export`). `verification` compares
what is there with what was sealed.
"""
