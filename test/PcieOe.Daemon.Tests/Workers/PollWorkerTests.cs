using Microsoft.Extensions.Logging.Abstractions;
using PcieOe.Daemon.Workers;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Polling;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Memory;
using Xunit;

namespace PcieOe.Daemon.Tests.Workers;

public sealed class PollWorkerTests : IDisposable
{
    private readonly InMemoryHub _hub = new(new InMemoryHubOptions());
    private readonly IdleEngine _engine = new();
    private readonly PollWorker _worker;

    public PollWorkerTests()
    {
        PollWaiter waiter = new(new PollWaiterOptions { Policy = PollPolicy.Blocking });
        _worker = new PollWorker("worker", _hub.Ports[0], new EthernetFraming(0x88B5, null, 0), _engine, waiter, 200, null, NullLogger.Instance);
    }

    public void Dispose()
    {
        _worker.Dispose();
        _hub.Dispose();
    }

    [Fact]
    public async Task Answers_GivenAndTaken_AreHeldByNobody()
    {
        const int Answers = 100;
        _worker.Start();
        List<WeakReference> answers = [];
        for (int i = 0; i < Answers; i++)
        {
            answers.Add(await AskForAnObject());
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        // The last few may still stand in a thread's frame.
        Assert.InRange(answers.Count(answer => answer.IsAlive), 0, Answers / 10);
    }

    [Fact]
    public async Task Questions_WorkerFailsBeforeThem_AreCancelled()
    {
        // More than one round takes, all there before the first.
        _engine.Fails = true;
        Task<long>[] questions = [.. Enumerable.Range(0, 100).Select(_ => _worker.AskAsync(now => now))];
        _worker.Start();

        await Assert.ThrowsAsync<InvalidOperationException>(() => _worker.Ended);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => questions[^1]);
        Assert.True(questions[0].IsCompletedSuccessfully);
        await Assert.ThrowsAsync<InvalidOperationException>(() => _worker.AskAsync(now => now));
    }

    private async Task<WeakReference> AskForAnObject() => new(await _worker.AskAsync(_ => new object()));

    private sealed class IdleEngine : IWorkerEngine
    {
        public bool Fails { get; set; }

        public long NextDeadline => long.MaxValue;

        public bool MustKeepLooking => false;

        public void OnFrame(ReadOnlySpan<byte> frame, MacAddress source, in ReceivedFrame received, long now) => throw new InvalidOperationException("Nobody sends.");

        public bool Poll(long now) => Fails ? throw new InvalidOperationException("An invariant broke.") : false;

        public void CollectFrames(FrameBatch batch, MacAddress source, long now)
        {
        }

        public void OnSendRefused(int owner, long now) => throw new InvalidOperationException("Nothing was sent.");

        public void OnTimer(long now) => throw new InvalidOperationException("There is no deadline.");
    }
}
