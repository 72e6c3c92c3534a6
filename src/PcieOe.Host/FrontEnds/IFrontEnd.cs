namespace PcieOe.Host.FrontEnds;

/// <summary>
/// The part of a client of a remote function (front end or built-in driver) that lives on the worker's thread. What comes from sockets
/// reaches it through rings.
/// </summary>
public interface IFrontEnd : IDisposable
{
    /// <summary>Called in every poll round; bounded work. True: something moved.</summary>
    bool Poll(long now);

    /// <summary>When Poll has to be called at the latest, monotonic nanoseconds.</summary>
    long NextDeadline { get; }

    /// <summary>Whether a client may ask for something without waking the worker (a mapped page), so that it must not sleep for long.</summary>
    bool MustKeepLooking { get; }

    /// <summary>Begins to take leave of the function; Poll is called until <see cref="IsStopped"/>.</summary>
    void Stop(long now);

    /// <summary>The function is not used any more: Dispose may be called.</summary>
    bool IsStopped { get; }
}
