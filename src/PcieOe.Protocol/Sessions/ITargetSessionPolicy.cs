using PcieOe.Protocol.Discovery;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Sessions;

/// <summary>Decides, for a target, who gets which function, and is told when that begins and ends. Called on the sessions' thread.</summary>
public interface ITargetSessionPolicy
{
    /// <summary>
    /// May this host have this function? Asked of every genuine hello, so cheap and without effect. Whether another host holds the
    /// function at the moment is for the sessions to know.
    /// </summary>
    /// <param name="functionName">As the host asked; empty: any that is free.</param>
    AttachDecision Decide(string hostName, string functionName);

    /// <summary>The functions that this host may have, held or not: for discovery. Called a few times a second at most.</summary>
    IReadOnlyList<FunctionDescription> ListFunctions(string hostName);

    /// <summary>
    /// A session begins: its host has shown that it has the keys. Returns who receives its TLPs, or null to refuse after all (the host
    /// is told that the function is gone). The first TLPs may come before this returns to the caller's loop.
    /// </summary>
    ITlpSink? OnAttached(TargetSession session, SessionStart start, long now);

    /// <summary>A session that <see cref="OnAttached"/> was called for has ended; its transmitter has no room any more.</summary>
    void OnDetached(TargetSession session, SessionEnd reason, long now);

    /// <summary>The host of an established session says what rate frames to it may have.</summary>
    void OnFeedback(TargetSession session, in FeedbackMessage feedback, long now)
    {
    }
}

/// <summary>What a policy answers to a hello.</summary>
public readonly record struct AttachDecision
{
    /// <summary>The host may have the function of this name.</summary>
    public static AttachDecision Grant(string functionName) => new() { FunctionName = functionName };

    public static AttachDecision Refuse(AcceptStatus reason) => new() { FunctionName = string.Empty, Refusal = reason };

    public string FunctionName { get; private init; }

    /// <summary>Why not; <see cref="AcceptStatus.New"/> if granted.</summary>
    public AcceptStatus Refusal { get; private init; }
}

/// <summary>What a function is to do at the beginning of a session.</summary>
public enum SessionStart : byte
{
    /// <summary>The host knows nothing of the function: power-on values.</summary>
    Fresh,

    /// <summary>The host goes on with a device whose state the target does not have any more.</summary>
    StateLost,
}
