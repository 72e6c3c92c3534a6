using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using PcieOe.Protocol.Handshake;

namespace PcieOe.Daemon.Workers;

/// <summary>
/// Runs the slow part of handshakes (elliptic curves, allocations) on a thread of its own, so that the polling thread never waits for it.
/// Both queues are bounded: the jobs by their capacity, the results by the jobs that led to them. One polling thread uses it.
/// </summary>
public sealed class HandshakeRunner : IDisposable
{
    private const int Capacity = 64;

    private readonly BlockingCollection<HandshakeJob> _jobs = new(Capacity);
    private readonly ConcurrentQueue<HandshakeResult> _results = new();
    private readonly Action _wake;
    private readonly Thread _thread;

    /// <param name="wake">Called on the runner's thread when a result is there.</param>
    public HandshakeRunner(Action wake)
    {
        _wake = wake;
        _thread = new Thread(Run) { IsBackground = true, Name = "handshakes" };
        _thread.Start();
    }

    /// <summary>Whether <see cref="Add"/> may be called: a job that is not taken out of its engine waits there.</summary>
    public bool HasRoom => _jobs.Count < Capacity;

    public void Add(HandshakeJob job) => _jobs.Add(job);

    public bool TryTake([NotNullWhen(true)] out HandshakeResult? result)
    {
        result = null;
        return !_results.IsEmpty && _results.TryDequeue(out result);
    }

    public void Dispose()
    {
        _jobs.CompleteAdding();
        _thread.Join();
        while (_results.TryDequeue(out HandshakeResult? result))
        {
            result.Dispose();
        }

        _jobs.Dispose();
    }

    private void Run()
    {
        foreach (HandshakeJob job in _jobs.GetConsumingEnumerable())
        {
            _results.Enqueue(HandshakeWork.Execute(job));
            _wake();
        }
    }
}
