namespace PcieOe.Transport.Polling;

/// <summary>What a poll loop does when there is nothing to do.</summary>
public enum PollPolicy : byte
{
    /// <summary>Polls on for a while, giving way to other threads, then sleeps until something comes. Costs next to nothing when idle.</summary>
    Adaptive,

    /// <summary>Polls for ever: the shortest latency, for a whole core. Only where each such thread has a core of its own.</summary>
    Busy,

    /// <summary>Sleeps at once: the least processor time, for some 50 us more of latency.</summary>
    Blocking,
}

/// <summary>How a <see cref="PollWaiter"/> waits.</summary>
public sealed record PollWaiterOptions
{
    public const int DefaultAwakeMicroseconds = 250;

    public PollPolicy Policy { get; init; } = PollPolicy.Adaptive;

    /// <summary>How long an adaptive waiter stays awake after the last work.</summary>
    public int AwakeMicroseconds { get; init; } = DefaultAwakeMicroseconds;

    /// <summary>The longest sleep, whatever the next deadline.</summary>
    public int MaximumBlockMilliseconds { get; init; } = 1000;
}
