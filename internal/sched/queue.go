package sched

import "time"

// The two queues.
const (
	brief = iota
	long
)

// queue is threads that wait for a slot, a heap by key. It is guarded by Scheduler.mu, and so
// are the fields of the threads in it.
type queue struct {
	threads []*Thread
	used    time.Duration // what threads of this queue ran, by the queue's share
	arrival uint64        // of the last thread: equal ones go in turn
}

func (q *queue) add(t *Thread, key time.Duration) {
	q.arrival++
	t.key, t.arrival, t.place = key, q.arrival, len(q.threads)
	q.threads = append(q.threads, t)
	q.up(t.place)
}

// remove takes t out.
func (q *queue) remove(t *Thread) {
	i, last := t.place, len(q.threads)-1
	q.swap(i, last)
	q.threads[last] = nil
	q.threads = q.threads[:last]
	if i < last {
		q.down(i)
		q.up(i)
	}
}

func (q *queue) less(i, j int) bool {
	a, b := q.threads[i], q.threads[j]
	return a.key < b.key || a.key == b.key && a.arrival < b.arrival
}

func (q *queue) swap(i, j int) {
	q.threads[i], q.threads[j] = q.threads[j], q.threads[i]
	q.threads[i].place, q.threads[j].place = i, j
}

func (q *queue) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !q.less(i, parent) {
			return
		}
		q.swap(i, parent)
		i = parent
	}
}

func (q *queue) down(i int) {
	for {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(q.threads) && q.less(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		q.swap(i, least)
		i = least
	}
}
