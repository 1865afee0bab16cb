"""The past of permissions: who could do what with a task, and what somebody was and could do, at a moment.

All of it is answered from history alone, as the system answered then; the rule of time is `audit.past`. Who
held what on a task is `holders`; what somebody was, and what differs between two moments, is `people`; what
they could do is `rights`, task by task, and `projects`, project by project.
"""
