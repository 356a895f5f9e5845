#include "aggregate/attempt.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"

static void leave_unread(const struct attempt *attempt,
			 struct task_input *input)
{
	struct task_state *state = &attempt->task->state;
	struct buf body = BUF_INIT;

	buf_add_text(&body, input->excluded ? input->excluded : "");
	for (size_t i = state->load_count; i < attempt->look_count; i++)
		if (state->load[i].input == input)
			buf_format(&body, "%s\"%s\"", body.len ? "," : "",
				   state->load[i].loaded_at);
	input->unread =
		body.len ? arena_strdup(&state->arena, buf_text(&body)) : NULL;
	buf_release(&body);
}

void attempt_leave_rest(struct attempt *attempt)
{
	struct task *task = attempt->task;
	struct task_state *state = &task->state;

	state->held_load = 0;
	for (size_t i = state->load_count; i < attempt->look_count; i++)
		if (!state->held_load || state->load[i].id < state->held_load)
			state->held_load = state->load[i].id;
	for (size_t i = 0; i < task->input_count; i++)
		leave_unread(attempt, &task->input[i]);
}

void attempt_leave(struct attempt *attempt,
		   bool (*takes)(const struct attempt *attempt,
				 const struct load *load))
{
	struct task_state *state = &attempt->task->state;
	size_t kept = 0, left = 0;
	struct load *others =
		mem_alloc((state->load_count + 1) * sizeof *others);

	for (size_t i = 0; i < state->load_count; i++)
		if (takes(attempt, &state->load[i]))
			state->load[kept++] = state->load[i];
		else
			others[left++] = state->load[i];
	memcpy(state->load + kept, others, left * sizeof *others);
	state->load_count = kept;
	attempt_leave_rest(attempt);
	free(others);
}
