namespace PcieOe.FlashEndpoint.Media.Files;

/// <summary>
/// Steps by a few threads, where io_uring is not allowed. The first thread does what can take long (synchronising, changing extents);
/// reads and writes go to the least busy of the others, so that they never queue behind it.
/// </summary>
internal sealed class ThreadFileEngine : IFileEngine
{
    private readonly FileWorker[] _workers;
    private readonly EventDescriptor _wakeUp = new(isBlocking: false);
    private ulong _added;
    private int _next;

    /// <summary>
    /// 0 or 1. Whoever turns it to 1 sets the descriptor, once: one system call for many results. The caller turns it to 0 only after
    /// it cleared the descriptor, and before it looks at the results. So the descriptor is never left set with nothing behind it, and
    /// a worker that finds 1 has added its result before a look that is still to come.
    /// </summary>
    private int _hasResults;

    /// <param name="fileDescriptor">Stays the caller's, and open until the engine is disposed.</param>
    /// <param name="threads">2 to 64.</param>
    public ThreadFileEngine(int fileDescriptor, int maximumSteps, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, 64);
        _workers = new FileWorker[threads];
        for (int i = 0; i < threads; i++)
        {
            _workers[i] = new FileWorker(fileDescriptor, maximumSteps, $"media-{i}", OnResult);
        }
    }

    public int WakeUpDescriptor => _wakeUp.Descriptor;

    public bool HasWork => Volatile.Read(ref _hasResults) != 0 || _added != 0;

    public void Add(in FileStep step)
    {
        int worker = step.Kind is FileStepKind.Read or FileStepKind.Write ? LeastBusy() : 0;
        _workers[worker].Add(step);
        _added |= 1UL << worker;
    }

    public void Submit()
    {
        for (int i = 0; _added != 0; i++, _added >>= 1)
        {
            if ((_added & 1) != 0)
            {
                _workers[i].WakeUp();
            }
        }
    }

    public int Take(Span<FileStepResult> results)
    {
        if (Volatile.Read(ref _hasResults) == 0)
        {
            return 0;
        }

        // Not set yet: a worker is about to. Then the 1 stays, and brings us here again.
        if (_wakeUp.TryClear())
        {
            Interlocked.Exchange(ref _hasResults, 0);
        }

        int count = 0;
        foreach (FileWorker worker in _workers)
        {
            while (worker.Outstanding > 0 && count < results.Length && worker.TryTake(out results[count]))
            {
                count++;
            }
        }

        if (count == results.Length)
        {
            // There may be more: come back.
            OnResult();
        }

        return count;
    }

    public void Dispose()
    {
        foreach (FileWorker worker in _workers)
        {
            worker.Dispose();
        }

        _wakeUp.Dispose();
    }

    private void OnResult()
    {
        if (Interlocked.Exchange(ref _hasResults, 1) == 0)
        {
            _wakeUp.Set();
        }
    }

    private int LeastBusy()
    {
        int best = 0;
        for (int i = 1; i < _workers.Length; i++)
        {
            int candidate = 1 + ((_next + i) % (_workers.Length - 1));
            if (best == 0 || _workers[candidate].Outstanding < _workers[best].Outstanding)
            {
                best = candidate;
            }
        }

        _next = best;
        return best;
    }
}
