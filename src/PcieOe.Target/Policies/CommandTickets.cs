using System.Runtime.CompilerServices;
using PcieOe.Transport.Policies.NestedQos;

namespace PcieOe.Target.Policies;

/// <summary>
/// What is remembered of each command, found by its tag: chained lists over a fixed number of tickets. The last one given back is the next
/// one used, so that few commands touch little memory, however many there may be.
/// </summary>
internal sealed class CommandTickets
{
    internal const int None = -1;

    /// <summary>A power of two.</summary>
    private const int Chains = 4096;

    private readonly int[] _chains = new int[Chains];
    private readonly Ticket[] _tickets;
    private int _free;

    internal CommandTickets(int capacity)
    {
        _tickets = new Ticket[capacity];
        Clear();
    }

    internal int Count { get; private set; }

    internal bool IsFull => _free == None;

    /// <param name="place">From <see cref="Find"/> or <see cref="Remove"/>.</param>
    internal ref Ticket this[int place] => ref _tickets[place];

    /// <summary>The command's place; <see cref="None"/> if it has none.</summary>
    internal int Find(ulong tag)
    {
        int place = _chains[ChainOf(tag)];
        while (place != None && _tickets[place].Start.Tag != tag)
        {
            place = _tickets[place].Next;
        }

        return place;
    }

    /// <summary>A place for a command that has none; it waits. Not when it is full. The reference holds until the command is removed.</summary>
    internal ref Ticket Add(ulong tag)
    {
        ref int chain = ref _chains[ChainOf(tag)];
        int place = _free;
        ref Ticket ticket = ref _tickets[place];
        _free = ticket.Next;
        ticket.Start.Tag = tag;
        ticket.State = TicketState.Waiting;
        ticket.Next = chain;
        chain = place;
        Count++;
        return ref ticket;
    }

    /// <summary>Gives a command's place back and names it; <see cref="None"/> if it had none. What it holds stays until the next <see cref="Add"/>.</summary>
    internal int Remove(ulong tag)
    {
        ref int link = ref _chains[ChainOf(tag)];
        while (link != None && _tickets[link].Start.Tag != tag)
        {
            link = ref _tickets[link].Next;
        }

        int place = link;
        if (place != None)
        {
            link = _tickets[place].Next;
            _tickets[place].Next = _free;
            _free = place;
            Count--;
        }

        return place;
    }

    internal void Clear()
    {
        Array.Fill(_chains, None);
        for (int i = 0; i < _tickets.Length; i++)
        {
            _tickets[i].Next = i + 1 < _tickets.Length ? i + 1 : None;
        }

        _free = 0;
        Count = 0;
    }

    /// <summary>Functions number their commands in the lower bits of their tags or of the tags' second 16, and so have chains of one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int ChainOf(ulong tag) => (int)(tag ^ tag >> 16) & (Chains - 1);
}

internal enum TicketState : byte
{
    Waiting,

    /// <summary>At the endpoint.</summary>
    Started,

    /// <summary>On its way to the host.</summary>
    Served,
}

internal struct Ticket
{
    /// <summary>Of one that waits only the tag holds.</summary>
    internal NestedQosStart Start;

    internal TicketState State;

    /// <summary>The next place of its chain, or of the free ones.</summary>
    internal int Next;
}
