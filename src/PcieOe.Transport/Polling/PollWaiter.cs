using PcieOe.Transport.Interop;
using PcieOe.Transport.Ports;

namespace PcieOe.Transport.Polling;

/// <summary>
/// Decides, after each round of a poll loop, whether to poll on, to give way, or to sleep until a port, another descriptor, a deadline or
/// another thread has something. The loop calls <see cref="OnWork"/> after a round that did something, <see cref="OnIdle"/>
/// after one that did nothing. It belongs to the loop's thread, <see cref="Wake"/> excepted.
/// </summary>
/// <remarks>
/// No wake-up is lost: before it sleeps, the waiter announces itself and has the loop make one more round. What another thread put into a
/// ring before it saw the announcement is found by that round; what comes later is followed by a signal. The full fences on both sides
/// keep "announce, then look" and "put, then look for the announcement" in this order.
/// </remarks>
public sealed unsafe class PollWaiter : IDisposable
{
    private const int MaximumDescriptors = 64;
    private const int SetTimerSlack = 29;
    private const long NanosecondsPerMillisecond = 1_000_000;
    private const long NanosecondsPerSecond = 1_000_000_000;

    // A sleep costs more than this to begin and end.
    private const long ShortestBlockNanoseconds = 20_000;

    private readonly IdleStrategy _idle;
    private readonly long _maximumBlockNanoseconds;
    private readonly EventDescriptor _wakeUp = new();
    private readonly NativeBuffer _memory = new(MaximumDescriptors * sizeof(PollEntry));
    private readonly IPort?[] _ports = new IPort?[MaximumDescriptors];
    private int _descriptors = 1;
    private bool _hasTimerSlack;
    private int _announced;

    public PollWaiter(PollWaiterOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaximumBlockMilliseconds);
        _idle = new IdleStrategy(options.Policy, options.AwakeMicroseconds);
        _maximumBlockNanoseconds = options.MaximumBlockMilliseconds * NanosecondsPerMillisecond;
        Entries[0] = new PollEntry { Descriptor = _wakeUp.Descriptor, Events = PollEntry.In };
    }

    /// <summary>How often the thread has slept.</summary>
    public long Blocks { get; private set; }

    private PollEntry* Entries => (PollEntry*)_memory.Pointer;

    /// <summary>Frames of this port end a sleep.</summary>
    public void Add(IPort port) => _ports[Add(-1)] = port;

    /// <summary>Input on this descriptor ends a sleep.</summary>
    public void AddDescriptor(int descriptor) => Add(descriptor);

    /// <summary>The round did something: the next ones poll on.</summary>
    public void OnWork()
    {
        _idle.OnWork();
        _announced = 0;
    }

    /// <summary>The round found nothing to do.</summary>
    /// <param name="now">The round's time, monotonic nanoseconds.</param>
    /// <param name="deadline">When the loop has something to do anyway; <see cref="long.MaxValue"/> for never.</param>
    /// <param name="longestBlockNanoseconds">A bound on sleeping of the caller's own, for what wakes nobody, such as a page that a client writes to.</param>
    public void OnIdle(long now, long deadline, long longestBlockNanoseconds = long.MaxValue)
    {
        if (!_idle.OnIdle(now))
        {
            return;
        }

        long block = Math.Min(Math.Min(deadline - now, longestBlockNanoseconds), _maximumBlockNanoseconds);
        if (block < ShortestBlockNanoseconds)
        {
            return;
        }

        if (_announced == 0)
        {
            Volatile.Write(ref _announced, 1);
            Interlocked.MemoryBarrier();
        }
        else
        {
            Block(block);
        }
    }

    /// <summary>From any thread, after it has put something where the loop will find it: ends a sleep. Costs a fence while the loop is awake.</summary>
    public void Wake()
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _announced) != 0 && Interlocked.Exchange(ref _announced, 0) != 0)
        {
            _wakeUp.Signal();
        }
    }

    public void Dispose()
    {
        _wakeUp.Dispose();
        _memory.Dispose();
    }

    private int Add(int descriptor)
    {
        if (_descriptors == MaximumDescriptors)
        {
            throw new InvalidOperationException($"A waiter has room for {MaximumDescriptors - 1} descriptors.");
        }

        Entries[_descriptors] = new PollEntry { Descriptor = descriptor, Events = PollEntry.In };
        return _descriptors++;
    }

    private void Block(long nanoseconds)
    {
        if (!_hasTimerSlack)
        {
            // Otherwise the kernel may let a sleep last 50 us longer. The setting is the thread's own.
            _ = LibC.ProcessControl(SetTimerSlack, 1, 0, 0, 0);
            _hasTimerSlack = true;
        }

        PollEntry* entries = Entries;
        for (int i = 1; i < _descriptors; i++)
        {
            if (_ports[i] is { } port)
            {
                entries[i].Descriptor = port.PollDescriptor;
            }
        }

        TimeSpecification timeout = new() { Seconds = nanoseconds / NanosecondsPerSecond, Nanoseconds = nanoseconds % NanosecondsPerSecond };
        entries[0].ReturnedEvents = 0;
        _ = LibC.Poll(entries, (nuint)_descriptors, &timeout, null);
        Blocks++;
        Volatile.Write(ref _announced, 0);
        if (entries[0].ReturnedEvents != 0)
        {
            _wakeUp.Clear();
        }
    }
}
