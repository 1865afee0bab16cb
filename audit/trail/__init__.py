"""The trail, told: which operations a reader finds, what each of them changed, and exports of both.

What a row of history says is known by subject (`subjects`), one for each tracked model. A reader (`reader`)
sees some operations and looks for some; operations are found by their own columns, by `channels` and by
`facets`. They are listed (`listing`), or their changes are told (`reading`): where the rows of some
operations are is known first (`windows`), and what is read of them is what the filter leaves (`fitting`).
Changes become events (`events`), which are streamed (`streams`); that an export began and ended is recorded
(`exports`). How much went on when is counted in `activity`.
"""
