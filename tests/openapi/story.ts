// The README's story, told by a client that was made from the description of the API: what compiles here is what the
// description promises, and what runs is what the server keeps.
import createClient from "openapi-fetch";

import type {components, paths} from "./schema.js";

type Task = components["schemas"]["Task"];

function check(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`story: ${what}`);
}

export async function story(url: string, token: string, user: string): Promise<void> {
  const api = createClient<paths>({baseUrl: url, headers: {Authorization: `Bearer ${token}`}});

  const me = await api.GET("/api/v1/me");
  check(me.data?.user_id === user, "the token is the user's");

  // A task, created once however often the request is sent.
  const create = () =>
    api.POST("/api/v1/tasks", {
      params: {header: {"Idempotency-Key": "story-1"}},
      body: {title: "Call Ada", priority: "high", due_date: "2020-01-02", assigned_to_id: user, linked_entities: [{id: user, type: "contacts"}]},
    });
  const created = await create();
  check(created.data?.action === "created" && created.response.status === 201, "created");
  const id = created.data.task_id;
  check((await create()).data?.task_id === id, "the same answer again");
  check(created.response.headers.get("Location") === `/api/v1/tasks/${id}`, "its address");

  // It is there at once, with an exact total.
  const overdue = await api.GET("/api/v1/tasks", {
    params: {
      query: {
        mode: "overdue",
        filters: JSON.stringify({type: "OR", conditions: [{field: "priority", operator: "gte", value: "medium"}]}),
        sort: JSON.stringify([{field: "priority", direction: "desc"}]),
        timezone: "Europe/Paris",
      },
    },
  });
  const task: Task | undefined = overdue.data?.data[0];
  check(overdue.data?.total === 1 && task?.id === id && task.due_date === "2020-01-02T23:59:59Z", "it is overdue");

  // Two people change it: the one who did not look is told.
  const read = await api.GET("/api/v1/tasks/{id}", {params: {path: {id}, query: {include: "linked_entities"}}});
  check(read.data?.linked_entities?.[0]?.type === "contacts", "its links");
  const tag = read.response.headers.get("ETag") ?? "";
  const first = await api.PUT("/api/v1/tasks/{id}", {params: {path: {id}, header: {"If-Match": tag}}, body: {title: "Call Ada about the renewal"}});
  check(first.data?.action === "updated", "updated");
  const second = await api.PATCH("/api/v1/tasks/{id}", {params: {path: {id}, header: {"If-Match": tag}}, body: {priority: null}});
  check(second.error?.code === "PRECONDITION_FAILED" && second.response.status === 412, "412");

  const wrong = await api.POST("/api/v1/tasks", {body: {title: " "}});
  check(wrong.error?.code === "VALIDATION_ERROR" && wrong.error.message.startsWith("Field 'title'"), "a clear error");

  // Done, counted, undone: and the log knows it all.
  const completed = await api.PUT("/api/v1/tasks/{id}/complete", {params: {path: {id}}, body: {completed: true}});
  check(completed.data?.action === "completed", "completed");
  const stats = await api.GET("/api/v1/tasks/stats", {params: {query: {assigned_to: "all"}}});
  check(stats.data?.total === 1 && stats.data.completedToday === 1 && stats.data.completionRate === 100, "counted");
  const undone = await api.POST("/api/v1/tasks/{id}/undo", {params: {path: {id}}});
  check(undone.data?.action === "undone" && undone.data.event_id, "undone");
  const history = await api.GET("/api/v1/tasks/{id}/history", {params: {path: {id}}});
  check(history.data?.data.map((event) => event.type).join() === "TaskCreated,TaskUpdated,TaskCompleted,TaskReopened", "its history");
  check(history.data.data[1]?.changes?.[0]?.from === "Call Ada", "what it was before");
  const then = await api.GET("/api/v1/tasks/{id}", {params: {path: {id}, query: {version: 1}}});
  check(then.data?.title === "Call Ada", "as it was");

  const batch = await api.POST("/api/v1/tasks/batch/create", {body: {records: [{title: "One"}, {title: "Two"}]}});
  check(batch.data?.results.length === 2, "a batch");
  const removed = await api.DELETE("/api/v1/tasks/{id}", {params: {path: {id}}});
  check(removed.response.status === 204, "deleted");
  const gone = await api.GET("/api/v1/tasks/{id}", {params: {path: {id}}});
  check(gone.error?.code === "RECORD_NOT_FOUND" && gone.error.message === "Task not found", "gone");
  const restored = await api.POST("/api/v1/tasks/{id}/restore", {params: {path: {id}}});
  check(restored.data?.action === "restored", "and back");

  const events = await api.GET("/api/v1/events", {params: {query: {after: 0, limit: 100}}});
  const positions = events.data?.data.map((event) => event.position) ?? [];
  check(positions.length === 8 && positions.every((position, i) => position === i + 1), "the log, without gaps");
}
