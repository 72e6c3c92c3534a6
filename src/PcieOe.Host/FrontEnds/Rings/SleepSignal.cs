using PcieOe.Transport.Interop;

namespace PcieOe.Host.FrontEnds.Rings;

/// <summary>
/// Wakes one thread that sleeps on a descriptor, without a system call while it is awake. The sleeper first says that it is going to
/// sleep, then looks at its rings once more; whoever fills a ring looks at that word afterwards. Both sides have a full fence between
/// their write and their read, so at least one of them sees the other.
/// </summary>
internal sealed class SleepSignal : IDisposable
{
    private readonly EventDescriptor _event = new();
    private int _isAsleep;

    /// <summary>What the sleeper polls for input.</summary>
    public int Descriptor => _event.Descriptor;

    /// <summary>For the sleeper, before it looks at its rings for the last time.</summary>
    public void PrepareToSleep() => Interlocked.Exchange(ref _isAsleep, 1);

    /// <summary>For the sleeper, when it goes on: after sleeping, or since there was something after all.</summary>
    public void Awake()
    {
        if (Interlocked.Exchange(ref _isAsleep, 0) == 0)
        {
            _event.Clear(); // somebody has taken the word, so there is a signal or will be; one too many only costs a look
        }
    }

    /// <summary>For any thread, after it has filled a ring.</summary>
    public void Wake()
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _isAsleep) != 0 && Interlocked.Exchange(ref _isAsleep, 0) != 0)
        {
            _event.Signal();
        }
    }

    /// <summary>For any thread: wakes the sleeper, or keeps its next sleep from lasting.</summary>
    public void WakeAlways() => _event.Signal();

    public void Dispose() => _event.Dispose();
}
