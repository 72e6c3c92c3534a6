namespace PcieOe.Target.Functions;

/// <summary>What a <see cref="FunctionBridge"/> has counted. Written by its worker; other threads may read single values.</summary>
public sealed class FunctionBridgeCounters
{
    /// <summary>TLPs that came, malformed ones included.</summary>
    public long TlpsReceived;

    /// <summary>Bytes that are no TLP: the rest of their frame is dropped.</summary>
    public long UnparsableTlps;

    /// <summary>TLPs that break a rule of their type (<see cref="Protocol.Tlp.TlpDefect"/>).</summary>
    public long MalformedTlps;

    /// <summary>Requests with poisoned data, dropped or answered UR.</summary>
    public long PoisonedRequests;

    /// <summary>Non-posted requests answered with Unsupported Request.</summary>
    public long UnsupportedRequests;

    /// <summary>Memory writes that nobody claimed, dropped.</summary>
    public long UnclaimedWrites;

    /// <summary>Messages that mean nothing to a function, dropped.</summary>
    public long IgnoredMessages;

    /// <summary>Non-posted requests dropped since too many waited for an answer already.</summary>
    public long DroppedRequests;

    /// <summary>Completions for requests that were never made, or have ended.</summary>
    public long UnexpectedCompletions;

    /// <summary>Completions for requests that had timed out.</summary>
    public long LateCompletions;

    /// <summary>Completions that contradict their request; it fails.</summary>
    public long MalformedCompletions;

    public long PoisonedCompletions;

    /// <summary>DMA read requests answered with an error (UR, CA).</summary>
    public long FailedReadRequests;

    public long TimedOutReadRequests;

    public long ReadRequestsSent;

    public long WriteRequestsSent;

    public long TransactionsSent;

    /// <summary>Times a transaction found its destination full.</summary>
    public long TransactionsBlocked;

    /// <summary>Commands held back since too much waited at the egress queue.</summary>
    public long DeferredCommands;

    /// <summary>Commands beyond what may be held back.</summary>
    public long DroppedCommands;

    public long FunctionLevelResets;
}
